import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type OutboundTemplate,
  type Template,
  type TemplateButton,
  templateProblems,
  templateText,
} from './index.ts';

/** A template, values made to fit it, and each place a value stands in: how it is set, and the path that names it. */
interface Fitting {
  readonly template: Template;
  readonly values: OutboundTemplate;
  readonly places: readonly Place[];
}
interface Place {
  readonly path: string;
  /** Undefined: it is left out. */
  readonly set: (values: OutboundTemplate, value: string | undefined) => OutboundTemplate;
}

const word = fc
  .string({ unit: fc.constantFrom('a', 'Z', '9', 'é', '₹', 'न', ' ', '👍', '-'), minLength: 1, maxLength: 8 })
  .map((text) => {
    const plain = text.replaceAll(/ +/g, ' ').trim();
    return plain === '' ? 'x' : plain;
  });
const mediaId = '0b8d4f0c-0a4e-4b53-9a55-0a8f3c1a7e11';

const names = ['first_name', 'order_id', 'amount', 'day', 'city'];
const buttons: fc.Arbitrary<TemplateButton> = fc.constantFrom<TemplateButton>(
  { kind: 'quick reply', text: 'Yes' },
  { kind: 'url', text: 'Pay', url: 'https://pay.example/{{1}}', takesValue: true },
  { kind: 'url', text: 'Look', url: 'https://shop.example/', takesValue: false },
  { kind: 'phone number', text: 'Call' },
  { kind: 'copy code', text: 'Copy' },
  { kind: 'flow', text: 'Book' },
  { kind: 'other', type: 'REQUEST_CONTACT_INFO', text: 'Share Contact Info' },
);

type Part = Pick<Fitting, 'places'> & {
  readonly template: Partial<Template>;
  readonly values: Partial<OutboundTemplate>;
};
const nothing: Part = { template: {}, values: {}, places: [] };

const headerOf = (format: Template['parameterFormat']): fc.Arbitrary<Part> =>
  fc.oneof(
    fc.constant(nothing),
    fc.constant({ ...nothing, template: { header: { kind: 'text', text: 'News' } as const } }),
    word.map((text): Part => {
      const name = format === 'named' ? 'title' : undefined;
      return {
        template: { header: { kind: 'text', text: `About {{${name ?? '1'}}}` } },
        values: { header: { text, ...(name === undefined ? {} : { name }) } },
        places: [
          {
            path: 'header',
            set: ({ header, ...others }, value) =>
              value === undefined || header === undefined
                ? others
                : { ...others, header: { text: value, ...(name === undefined ? {} : { name }) } },
          },
        ],
      };
    }),
    fc.constantFrom('image', 'video', 'document', 'location').map((kind): Part => {
      const header = {
        image: { image: { mediaId } },
        video: { video: { link: 'https://a.example/v.mp4' } },
        document: { document: { mediaId }, filename: 'bill.pdf' },
        location: { location: { latitude: 18.5, longitude: 73.8, name: 'Pune' } },
      }[kind];
      return { template: { header: { kind } }, values: { header }, places: [] };
    }),
  );

const bodyOf = (format: Template['parameterFormat']): fc.Arbitrary<Part> =>
  fc.array(word, { maxLength: 5 }).map((given): Part => {
    const variables = given.map((_, index) =>
      format === 'named' ? (names[index] ?? '') : String(index + 1),
    );
    const body = [
      'Hello',
      ...variables.map((name) => `{{${name}}}`),
      ...variables.map((name) => `{{ ${name} }}`),
    ];
    if (given.length === 0) return { ...nothing, template: { body: body.join(' ') } };
    return {
      template: { body: body.join(' ') },
      values: {
        body:
          format === 'named' ? Object.fromEntries(given.map((one, index) => [variables[index], one])) : given,
      },
      places: variables.map((name, index): Place => ({
        // A list that lacks one lacks its last.
        path: format === 'named' ? `body.${name}` : 'body[',
        set: (values, value) => {
          if (Array.isArray(values.body)) {
            const list =
              value === undefined ? values.body.toSpliced(index, 1) : values.body.with(index, value);
            return { ...values, body: list };
          }
          const { [name]: _, ...others } = values.body ?? {};
          return { ...values, body: value === undefined ? others : { ...others, [name]: value } };
        },
      })),
    };
  });

type ButtonValue = NonNullable<OutboundTemplate['buttons']>[number];
const valueFor: Readonly<Record<string, (index: number, value: string) => ButtonValue>> = {
  url: (index, url) => ({ index, url }),
  'quick reply': (index, quickReply) => ({ index, quickReply }),
  'copy code': (index, code) => ({ index, code }),
  flow: (index, flow) => ({ index, flow, data: { screen: 'START' } }),
};

const buttonsPart: fc.Arbitrary<Part> = fc
  .array(fc.tuple(buttons, word), { maxLength: 4 })
  .map((all): Part => {
    const taking = all.flatMap(([button, value], index) => {
      const made = valueFor[button.kind];
      return made === undefined || (button.kind === 'url' && !button.takesValue)
        ? []
        : [{ index, made, value, optional: button.kind === 'quick reply' }];
    });
    return {
      template: { buttons: all.map(([button]) => button) },
      values: { buttons: taking.map(({ index, made, value }) => made(index, value)) },
      places: taking.map(({ index, made, optional }): Place => ({
        path: `buttons[${String(index)}]`,
        set: (values, value) => ({
          ...values,
          buttons: (values.buttons ?? []).flatMap((one) => {
            if (one.index !== index) return [one];
            // Nothing is missing without a quick reply's: it is emptied instead.
            if (value === undefined) return optional ? [made(index, '')] : [];
            return [made(index, value)];
          }),
        }),
      })),
    };
  });

const fitting: fc.Arbitrary<Fitting> = fc
  .constantFrom('positional', 'named')
  .chain((format) => fc.tuple(fc.constant(format), headerOf(format), bodyOf(format), buttonsPart))
  .map(([parameterFormat, ...parts]) => ({
    template: {
      templateId: '1',
      name: 'welcome',
      language: 'en',
      category: 'utility',
      status: 'approved',
      quality: 'green',
      parameterFormat,
      body: '',
      buttons: [],
      unsupported: [],
      ...Object.assign({}, ...parts.map(({ template }) => template)),
    },
    values: {
      name: 'welcome',
      language: 'en',
      ...Object.assign({}, ...parts.map(({ values }) => values)),
    },
    places: parts.flatMap(({ places }) => places),
  }));

test('values that fit have no problem, and every variable is filled in', () => {
  fc.assert(
    fc.property(fitting, ({ template, values }) => {
      expect(templateProblems(template, values)).toEqual([]);
      expect(templateText(template, values)).not.toContain('{{');
    }),
  );
});

test.each([
  ['is removed', undefined],
  ['is empty', ''],
  ['is only spaces', ' \u00a0 '],
  ['holds a newline', 'a\nb'],
  ['holds a tab', 'a\tb'],
  ['holds a run of spaces', 'a    b'],
])('a value that %s is named', (_name, broken) => {
  fc.assert(
    fc.property(
      fitting.filter(({ places }) => places.length > 0),
      fc.nat(),
      ({ template, values, places }, chosen) => {
        const place = places[chosen % places.length];
        if (place === undefined) return;
        const problems = templateProblems(template, place.set(values, broken));
        expect(problems.map(({ path }) => path)).toContainEqual(expect.stringContaining(place.path));
        for (const { message } of problems) expect(message).toMatch(/^.{10,300}\.$/u);
      },
    ),
  );
});
