import { z } from 'zod';
import type { Answer } from '../http.ts';
import { graphError } from './graph-errors.ts';
import {
  buttonsOf,
  categories,
  componentOf,
  componentsSchema,
  type Template,
  type TemplateButton,
  type TemplateComponent,
  variablesOf,
} from './template.ts';
import { templateLanguages } from './template-languages.ts';

/** What Meta asks of a template before it reviews it. docs/vendors/whatsapp.md §3.2; subcodes and wording from memory. */

export const submissionSchema = z.looseObject({
  name: z.string(),
  language: z.string(),
  category: z.string().toUpperCase().pipe(z.enum(categories)),
  parameter_format: z
    .string()
    .toUpperCase()
    .pipe(z.enum(['POSITIONAL', 'NAMED']))
    .default('POSITIONAL'),
  components: componentsSchema,
});

type Checked = Pick<Template, 'category' | 'components' | 'parameterFormat'>;

const formats = new Set(['TEXT', 'IMAGE', 'VIDEO', 'DOCUMENT', 'LOCATION']);
const longest = { HEADER: 60, BODY: 1_024, FOOTER: 60, button: 25 } as const;
const mostButtons = 10;
/** Most of one kind in one template; of the others, as many as there may be buttons. */
const mostOf: ReadonlyMap<string, number> = new Map([
  ['QUICK_REPLY', mostButtons],
  ['URL', 2],
  ['PHONE_NUMBER', 1],
  ['COPY_CODE', 1],
  ['FLOW', 1],
  ['CATALOG', 1],
  ['MPM', 1],
  ['OTP', 1],
  ['REQUEST_CONTACT_INFO', 1],
]);

/** `subcode`: Meta's number for what is wrong, where we know it. */
interface Objection {
  readonly about: string;
  readonly subcode?: number;
}

export const templateRefusal = ({ about, subcode }: Objection): Answer =>
  graphError({ code: 100 }, { userMessage: about, ...(subcode === undefined ? {} : { subcode }) });

export function refusedName(name: string, language: string): Answer | undefined {
  if (!/^[a-z0-9_]{1,512}$/.test(name))
    return templateRefusal({ about: 'name: lower-case letters, digits and underscores only, 512 at most' });
  if (!templateLanguages.has(language))
    return templateRefusal({ about: `language: ${language} is not supported` });
  return undefined;
}

export function refusedContent(template: Checked): Answer | undefined {
  const [objection] = objectionsTo(template);
  return objection === undefined ? undefined : templateRefusal(objection);
}

function* objectionsTo(template: Checked): Generator<Objection> {
  const { components, category } = template;
  const types = components.map(({ type }) => type);
  for (const type of types)
    if (!['HEADER', 'BODY', 'FOOTER', 'BUTTONS'].includes(type))
      yield { about: `component ${type} is unknown` };
  if (new Set(types).size < types.length) yield { about: 'each component may stand once' };
  const body = componentOf(template, 'BODY');
  if (body === undefined) yield { about: 'a template needs a BODY' };
  // Meta writes the words of an authentication template itself.
  else if (category !== 'AUTHENTICATION') yield* objectionsToText(body, 'BODY', template);
  const header = componentOf(template, 'HEADER');
  if (header !== undefined) yield* objectionsToHeader(header, template);
  const footer = componentOf(template, 'FOOTER');
  if (footer !== undefined && category !== 'AUTHENTICATION') {
    yield* objectionsToText(footer, 'FOOTER', template);
    if (variablesOf(footer.text).length > 0) yield { about: 'a footer has no variables' };
  }
  yield* objectionsToButtons(buttonsOf(template));
}

function* objectionsToText(
  { text = '', example }: TemplateComponent,
  type: 'HEADER' | 'BODY' | 'FOOTER',
  { parameterFormat }: Checked,
): Generator<Objection> {
  if (text.trim() === '') yield { about: `${type} needs a text` };
  if (text.length > longest[type]) yield { about: `${type}: ${String(longest[type])} characters at most` };
  if (type !== 'BODY' && /[\n\r]/.test(text)) yield { about: `${type}: no line breaks` };
  const variables = variablesOf(text);
  if (variables.length === 0) return;
  if (parameterFormat === 'POSITIONAL' && variables.some((name, index) => name !== String(index + 1)))
    yield { about: `${type}: variables are numbered from {{1}} on` };
  if (parameterFormat === 'NAMED' && variables.some((name) => !/^[a-z][a-z0-9_]{0,19}$/.test(name)))
    yield { about: `${type}: names of variables are lower-case letters, digits and underscores, 20 at most` };
  if (type === 'HEADER' && variables.length > 1) yield { about: 'HEADER: one variable at most' };
  if (type === 'BODY' && /^\s*\{\{|\}\}\s*[.!?]*\s*$/.test(text))
    yield { about: 'BODY: variables stand neither first nor last', subcode: 2_388_299 };
  if (examplesIn(example, type).length < variables.length)
    yield { about: `${type}: an example of each variable is needed`, subcode: 2_388_043 };
}

const named = z.array(z.looseObject({ param_name: z.string(), example: z.string() }));
const examples = z.looseObject({
  body_text: z.array(z.union([z.array(z.string()), z.string()])).optional(),
  body_text_named_params: named.optional(),
  header_text: z.array(z.string()).optional(),
  header_text_named_params: named.optional(),
});

function examplesIn(example: unknown, type: string): readonly unknown[] {
  const given = examples.safeParse(example).data ?? {};
  return type === 'HEADER'
    ? (given.header_text ?? given.header_text_named_params ?? [])
    : (given.body_text_named_params ?? given.body_text?.flat() ?? []);
}

function* objectionsToHeader(header: TemplateComponent, template: Checked): Generator<Objection> {
  const { format = 'TEXT', example } = header;
  if (!formats.has(format)) yield { about: `HEADER: format ${format} is unknown` };
  if (format === 'TEXT') yield* objectionsToText(header, 'HEADER', template);
  if (['IMAGE', 'VIDEO', 'DOCUMENT'].includes(format)) {
    const [handle] = example?.header_handle ?? [];
    if (handle === undefined)
      yield { about: `HEADER: a sample is needed (header_handle)`, subcode: 2_388_043 };
    // docs/vendors/whatsapp.md §3.2: a sample goes by the resumable upload, never by its address.
    else if (!/^\d+::/.test(handle))
      yield { about: 'HEADER: the sample is no uploaded handle', subcode: 2_388_273 };
  }
}

function* objectionsToButtons(buttons: readonly TemplateButton[]): Generator<Objection> {
  if (buttons.length > mostButtons) yield { about: `${String(mostButtons)} buttons at most` };
  for (const [type, some] of Map.groupBy(buttons, (button) => button.type)) {
    const most = mostOf.get(type);
    if (most === undefined) yield { about: `a button ${type} is unknown` };
    else if (some.length > most) yield { about: `${String(most)} buttons ${type} at most` };
  }
  for (const { type, text = '', url = '', phone_number: phone = '', example } of buttons) {
    if (text.trim() === '' && type !== 'COPY_CODE' && type !== 'OTP')
      yield { about: `a button ${type} needs a text` };
    if (text.length > longest.button)
      yield { about: `a button: ${String(longest.button)} characters at most` };
    if (variablesOf(text).length > 0) yield { about: "a button's text has no variables" };
    if (type === 'PHONE_NUMBER' && !/^\+?\d{5,20}$/.test(phone))
      yield { about: 'PHONE_NUMBER needs a phone_number' };
    if (type === 'COPY_CODE' && example === undefined)
      yield { about: 'COPY_CODE needs an example', subcode: 2_388_043 };
    if (type === 'URL') {
      if (!URL.canParse(url) || !/^https?:/.test(url)) yield { about: 'URL needs a url' };
      if (variablesOf(url).length > 1 || (variablesOf(url).length === 1 && !url.endsWith('}}')))
        yield { about: 'a url has one variable at most, at its end' };
      if (variablesOf(url).length > 0 && example === undefined)
        yield { about: 'an example of the url is needed', subcode: 2_388_043 };
    }
  }
}
