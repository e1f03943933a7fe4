import { describe, expect, test } from 'vitest';
import {
  type OutboundTemplate,
  readTemplate,
  type Template,
  templateProblems,
  templateText,
} from './index.ts';

const graph = {
  id: '17',
  name: 'order_update',
  language: 'en',
  category: 'UTILITY',
  status: 'APPROVED',
  quality_score: { score: 'GREEN', date: 1 },
  parameter_format: 'POSITIONAL',
  components: [
    { type: 'HEADER', format: 'DOCUMENT', example: { header_handle: ['https://scontent.example/sample'] } },
    { type: 'BODY', text: 'Hi {{1}}, order {{2}} comes {{1}}.', example: { body_text: [['Asha', '7']] } },
    { type: 'FOOTER', text: 'Sangam Stores' },
    {
      type: 'BUTTONS',
      buttons: [
        {
          type: 'URL',
          text: 'Track',
          url: 'https://shop.example/{{1}}',
          example: ['https://shop.example/7'],
        },
        { type: 'QUICK_REPLY', text: 'Thanks' },
        { type: 'PHONE_NUMBER', text: 'Call', phone_number: '+918047100000' },
        { type: 'COPY_CODE', text: 'Copy code', example: 'FALL25' },
        { type: 'FLOW', text: 'Book', flow_id: 7 },
        { type: 'REQUEST_CONTACT_INFO', text: 'Share Contact Info' },
      ],
    },
  ],
};
const mediaId = '0b8d4f0c-0a4e-4b53-9a55-0a8f3c1a7e11';
const fit: OutboundTemplate = {
  name: 'order_update',
  language: 'en',
  header: { document: { mediaId }, filename: 'bill.pdf' },
  body: ['Asha', '7'],
  buttons: [
    { index: 0, url: '7' },
    { index: 3, code: 'FALL25' },
    { index: 4, flow: 'token' },
  ],
};

function read(payload: unknown): Template {
  const template = readTemplate(payload);
  if (template === undefined) throw new Error('No template came out.');
  return template;
}
const template = read(graph);
const paths = (values: Partial<OutboundTemplate>, of = template): string[] =>
  templateProblems(of, { ...fit, ...values }).map(({ path }) => path);

test('a template is read as Graph shows it', () => {
  expect(template).toEqual({
    templateId: '17',
    name: 'order_update',
    language: 'en',
    category: 'utility',
    status: 'approved',
    quality: 'green',
    parameterFormat: 'positional',
    header: { kind: 'document' },
    body: 'Hi {{1}}, order {{2}} comes {{1}}.',
    footer: 'Sangam Stores',
    buttons: [
      { kind: 'url', text: 'Track', url: 'https://shop.example/{{1}}', takesValue: true },
      { kind: 'quick reply', text: 'Thanks' },
      { kind: 'phone number', text: 'Call' },
      { kind: 'copy code', text: 'Copy code' },
      { kind: 'flow', text: 'Book' },
      { kind: 'other', type: 'REQUEST_CONTACT_INFO', text: 'Share Contact Info' },
    ],
    unsupported: [],
  });
});

test.each([
  ['no template', { id: '1' }, undefined],
  ['nothing', null, undefined],
  ['an unknown category', { ...graph, category: 'TRANSACTIONAL' }, { category: 'marketing' }],
  ['no status', { ...graph, status: undefined }, { status: 'unknown' }],
  ['no quality', { ...graph, quality_score: undefined }, { quality: 'unknown' }],
  [
    'names and no format',
    { ...graph, parameter_format: undefined, components: [{ type: 'BODY', text: '{{a_b}}' }] },
    { parameterFormat: 'named' },
  ],
  [
    'a one-time code',
    {
      ...graph,
      components: [{ type: 'BUTTONS', buttons: [{ type: 'OTP', text: 'Copy', otp_type: 'COPY_CODE' }] }],
    },
    { body: '', buttons: [{ kind: 'url', text: 'Copy', url: '{{1}}', takesValue: true }] },
  ],
])('of %s is made what can be', (_name, payload, expected) => {
  const made = readTemplate(payload);
  if (expected === undefined) expect(made).toBeUndefined();
  else expect(made).toMatchObject(expected);
});

test('what wants values nobody can give us cannot be sent', () => {
  const components = [
    { type: 'HEADER', format: 'GIF' },
    { type: 'BODY', text: 'Look' },
    { type: 'LIMITED_TIME_OFFER', limited_time_offer: {} },
    { type: 'CAROUSEL', cards: [] },
    { type: 'BUTTONS', buttons: [{ type: 'MPM', text: 'View items' }] },
  ];
  const problems = templateProblems(read({ ...graph, components }), { name: 'x', language: 'en' });
  expect(problems.map(({ message }) => message)).toEqual([
    expect.stringContaining('a gif header'),
    expect.stringContaining('a limited time offer'),
    expect.stringContaining('a carousel'),
    expect.stringContaining('a list of products'),
  ]);
});

describe('values', () => {
  test('that fit have no problem', () => {
    expect(paths({})).toEqual([]);
  });

  test.each<[string, Partial<OutboundTemplate>, string[]]>([
    ['a picture for a document', { header: { image: { mediaId } } }, ['header']],
    ['words for a document', { header: { text: 'Bill' } }, ['header']],
    ['one too few', { body: ['Asha'] }, ['body[1]']],
    ['one too many', { body: ['Asha', '7', '8'] }, ['body[2]']],
    ['names for places', { body: { name: 'Asha', order: '7' } }, ['body']],
    ['a body too long', { body: ['Asha', 'x'.repeat(1020)] }, ['body']],
    ['no button’s value', { buttons: [] }, ['buttons[0]', 'buttons[3]', 'buttons[4]']],
  ])('%s', (_name, values, expected) => {
    expect(paths(values)).toEqual(expected);
  });

  test.each<[string, NonNullable<OutboundTemplate['buttons']>[number], string]>([
    ['a button that is not there', { index: 6, url: '7' }, 'buttons[6]'],
    ['a value for a phone number', { index: 2, url: '7' }, 'buttons[2]'],
    ['a value for what asks for contact info', { index: 5, quickReply: 'x' }, 'buttons[5]'],
    ['a code for a quick reply', { index: 1, code: '7' }, 'buttons[1]'],
    ['a button’s value twice', { index: 0, url: '8' }, 'buttons[0]'],
    ['a payload too long', { index: 1, quickReply: 'x'.repeat(257) }, 'buttons[1]'],
  ])('%s', (_name, button, expected) => {
    expect(paths({ buttons: [...(fit.buttons ?? []), button] })).toEqual([expected]);
  });

  test.each([
    ['an address', { index: 0, url: 'x'.repeat(2000) }],
    ['a code', { index: 3, code: 'FALL-IN-LOVE-2026' }],
    ['a Flow’s token', { index: 4, flow: 'x'.repeat(257) }],
  ])('%s too long', (_name, button) => {
    const others = (fit.buttons ?? []).filter(({ index }) => index !== button.index);
    const problems = templateProblems(template, { ...fit, buttons: [...others, button] });
    expect(problems).toMatchObject([{ path: `buttons[${String(button.index)}]` }]);
    expect(problems[0]?.message).toContain('shorten it');
  });

  test('by name', () => {
    const named = read({
      ...graph,
      parameter_format: 'NAMED',
      components: [
        { type: 'HEADER', format: 'TEXT', text: 'For {{who}}' },
        { type: 'BODY', text: 'Hi {{first_name}}, {{constructor}}' },
      ],
    });
    const header = { text: 'Asha', name: 'who' };
    const of = (values: Partial<OutboundTemplate>): string[] =>
      templateProblems(named, { name: 'n', language: 'en', header, ...values }).map(({ path }) => path);
    const body = { first_name: 'Asha', constructor: 'x' };
    expect(of({ body })).toEqual([]);
    expect(of({ body: ['Asha', 'x'] })).toEqual(['body']);
    expect(of({ body: { first_name: 'Asha' } })).toEqual(['body.constructor']);
    expect(of({})).toEqual(['body.first_name', 'body.constructor']);
    expect(of({ body: { ...body, last_name: 'Rao' } })).toEqual(['body.last_name']);
    expect(of({ body, header: { text: 'Asha' } })).toEqual(['header.name']);
    expect(of({ body, header: { text: 'Asha', name: 'whom' } })).toEqual(['header.name']);
    expect(of({ body, header: { text: 'x'.repeat(57), name: 'who' } })).toEqual(['header.text']);
    expect(of({ body, header: { image: { mediaId } } })).toEqual(['header']);
  });

  test('for what takes none', () => {
    const plain = read({
      ...graph,
      components: [
        { type: 'HEADER', format: 'TEXT', text: 'News' },
        { type: 'BODY', text: 'Hi' },
      ],
    });
    const of = (values: Partial<OutboundTemplate>): string[] =>
      templateProblems(plain, { name: 'n', language: 'en', ...values }).map(({ path }) => path);
    expect(of({})).toEqual([]);
    expect(of({ body: [], buttons: [] })).toEqual([]);
    expect(of({ header: { text: 'x' }, body: ['x'] })).toEqual(['header', 'body[0]']);
    const [problem] = templateProblems(plain, { name: 'n', language: 'en', body: { first_name: 'x' } });
    expect(problem).toEqual({
      path: 'body',
      message: 'The template’s body has no variables: leave its values out.',
    });
    const bare = read({ ...graph, components: [{ type: 'BODY', text: 'Hi' }] });
    expect(paths({ body: [], buttons: [] }, bare)).toEqual(['header']);
  });
});

test('a person reads header, body, footer and buttons', () => {
  expect(templateText(template, fit)).toBe(
    [
      '[document] bill.pdf',
      'Hi Asha, order 7 comes Asha.',
      'Sangam Stores',
      '[Track] [Thanks] [Call] [Copy code] [Book] [Share Contact Info]',
    ].join('\n'),
  );
  const place = { latitude: 18.5, longitude: 73.8, name: 'Sangam', address: 'Pune' };
  expect(
    templateText(
      read({
        ...graph,
        components: [
          { type: 'HEADER', format: 'LOCATION' },
          { type: 'BODY', text: 'Here' },
        ],
      }),
      { name: 'n', language: 'en', header: { location: place } },
    ),
  ).toBe('[location] Sangam, Pune\nHere');
});
