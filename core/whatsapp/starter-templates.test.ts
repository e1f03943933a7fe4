import { expect, test } from 'vitest';
import { optWords, recogniseOptWord } from '../consent/index.ts';
import { starterTemplates } from './index.ts';

const words = optWords(['en']);
const labelled = starterTemplates.map((draft) => [`${draft.name} ${draft.language}`, draft] as const);

test('each stands in English and Hindi', () => {
  const of = (language: string): string[] =>
    starterTemplates.filter((one) => one.language === language).map(({ name }) => name);
  expect(of('en')).toHaveLength(5);
  expect(of('hi')).toEqual(of('en'));
});

test.each(labelled)('%s: variables in their order, each with an example, none at an end', (_name, draft) => {
  const variables = [...draft.body.matchAll(/\{\{(\d)\}\}/g)].map(([, number]) => Number(number));
  expect(variables).toEqual(draft.bodyExamples.map((_, index) => index + 1));
  expect(draft.body).not.toMatch(/^\{\{|\}\}[\s.,!?।]*$/);
  expect(draft.body.length).toBeLessThanOrEqual(1024);
  for (const { text } of draft.buttons) expect(text.length).toBeLessThanOrEqual(25);
});

test.each(labelled.filter(([, { category }]) => category === 'marketing'))(
  '%s can be ended with one tap',
  (_name, { buttons }) => {
    expect(buttons.map(({ text }) => recogniseOptWord(text, words))).toContain('stop');
  },
);

test.each(labelled.filter(([, { name }]) => name === 'sangam_ask_opt_in'))(
  '%s is agreed to with one tap',
  (_name, { buttons }) => {
    expect(recogniseOptWord(buttons[0]?.text ?? '', words)).toBe('subscribe');
  },
);
