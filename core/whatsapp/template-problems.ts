import type { OutboundTemplate } from './outbound.ts';
import { bodyValues, fillIn, variablesOf } from './template-variables.ts';
import type { Template, TemplateButton, TemplateProblem } from './templates.ts';

/** WhatsApp's limits for what a template is filled with, in characters. docs/vendors/whatsapp.md §3.2, §3.9. */
const most = { header: 60, body: 1024, url: 2000, code: 15, quickReply: 256, flow: 256 } as const;

/** Everything that is wrong with these values for this template; empty: it may leave. Its status is not looked at. */
export function templateProblems(template: Template, values: OutboundTemplate): TemplateProblem[] {
  return [
    ...template.unsupported.map((what) => ({
      path: 'name',
      message: `Sangam cannot send a template with ${what}: choose another one.`,
    })),
    ...headerProblems(template, values.header),
    ...bodyProblems(template, values.body),
    ...buttonProblems(template, values.buttons),
  ];
}

function headerProblems(
  { header, parameterFormat }: Template,
  given: OutboundTemplate['header'],
): TemplateProblem[] {
  const wrong = (message: string, path = 'header'): TemplateProblem[] => [{ path, message }];
  if (header === undefined) {
    return given === undefined ? [] : wrong('The template has no header: leave it out.');
  }
  const { kind, text = '' } = header;
  if (kind !== 'text') {
    if (given !== undefined && kind in given) return [];
    const what =
      kind === 'location'
        ? 'a place'
        : 'one of your media or a link; the sample it was approved with is not sent';
    return wrong(`The template’s header is of kind ${kind}: give header.${kind}, ${what}.`);
  }
  const [variable] = variablesOf(text, parameterFormat);
  if (variable === undefined) {
    return given === undefined ? [] : wrong('The template’s header takes no value: leave it out.');
  }
  if (given === undefined || !('text' in given)) {
    return wrong(`The template’s header has the variable {{${variable}}}: give header.text.`);
  }
  const name = parameterFormat === 'named' ? variable : undefined;
  const isNamed = given.name === name;
  const misnamed = name === undefined ? 'leave header.name out' : `give header.name as ${name}`;
  return [
    ...(isNamed ? [] : wrong(`The header’s variable is {{${variable}}}: ${misnamed}.`, 'header.name')),
    ...faults(given.text, 'header.text', `The header’s variable {{${variable}}}`),
    ...tooLong(fillIn(text, new Map([[variable, given.text]])), most.header, 'header.text', 'The header'),
  ];
}

function bodyProblems(
  { body: text, parameterFormat }: Template,
  body: OutboundTemplate['body'],
): TemplateProblem[] {
  const isNamed = parameterFormat === 'named';
  const given = body ?? (isNamed ? {} : []);
  const isList = Array.isArray(given);
  const variables = variablesOf(text, parameterFormat);
  const count = Object.keys(given).length;
  if (isList === isNamed && variables.length === 0 && count > 0) {
    return [{ path: 'body', message: 'The template’s body has no variables: leave its values out.' }];
  }
  if (isList === isNamed && variables.length > 0) {
    const form = isNamed
      ? `by their names: ${variables.join(', ')}`
      : `as a list of ${String(variables.length)}`;
    return [{ path: 'body', message: `The template takes the values of its body ${form}.` }];
  }
  const values = bodyValues(text, parameterFormat, given);
  const pathOf = (name: string, index: number): string =>
    isNamed ? `body.${name}` : `body[${String(index)}]`;
  const extra = isList
    ? given.slice(variables.length).map((_, index) => `body[${String(variables.length + index)}]`)
    : Object.keys(given).flatMap((name) => (variables.includes(name) ? [] : [`body.${name}`]));
  return [
    ...variables.flatMap((name, index) => {
      const value = values.get(name);
      const path = pathOf(name, index);
      return value === undefined
        ? [{ path, message: `The body’s variable {{${name}}} has no value: give one.` }]
        : faults(value, path, `The body’s variable {{${name}}}`);
    }),
    ...extra.map((path) => ({
      path,
      message: `The template’s body has ${String(variables.length)} variables, and this is none: leave it out.`,
    })),
    ...tooLong(fillIn(text, values), most.body, 'body', 'The body'),
  ];
}

type ButtonValue = NonNullable<OutboundTemplate['buttons']>[number];
type GivenAs = 'url' | 'quickReply' | 'code' | 'flow';

/** How a button's value is given; undefined: it takes none. */
function givenAs(button: TemplateButton): GivenAs | undefined {
  switch (button.kind) {
    case 'url':
      return button.takesValue ? 'url' : undefined;
    case 'quick reply':
      return 'quickReply';
    case 'copy code':
      return 'code';
    case 'flow':
      return 'flow';
    default:
      return undefined;
  }
}

/** Undefined: it is given as that of another kind. */
function valueGiven(given: ButtonValue, as: GivenAs): string | undefined {
  if ('url' in given) return as === 'url' ? given.url : undefined;
  if ('quickReply' in given) return as === 'quickReply' ? given.quickReply : undefined;
  if ('code' in given) return as === 'code' ? given.code : undefined;
  return as === 'flow' ? given.flow : undefined;
}

function buttonProblems({ buttons }: Template, given: OutboundTemplate['buttons'] = []): TemplateProblem[] {
  const beyond = given
    .filter(({ index }) => index >= buttons.length)
    .map(({ index }) => ({
      path: `buttons[${String(index)}]`,
      message: `The template has ${String(buttons.length)} buttons, counted from 0: leave this one out.`,
    }));
  return [
    ...beyond,
    ...buttons.flatMap((button, index) => {
      const path = `buttons[${String(index)}]`;
      const own = given.filter((one) => one.index === index);
      const [first] = own;
      const says = (message: string): TemplateProblem[] => [
        { path, message: `The template’s button “${button.text}” ${message}.` },
      ];
      const as = givenAs(button);
      if (first === undefined) {
        // A quick reply without a value sends its text back.
        return as === undefined || as === 'quickReply' ? [] : says(`needs a value: give ${as}`);
      }
      if (as === undefined) return says('takes no value: leave it out');
      if (own.length > 1) return says('is given more than once: give it once');
      const value = valueGiven(first, as);
      if (value === undefined) return says(`takes its value as ${as}`);
      const whole = button.kind === 'url' ? fillIn(button.url, new Map([['1', value]])) : value;
      const what = `The value of the template’s button “${button.text}”`;
      return [...faults(value, path, what), ...tooLong(whole, most[as], path, what)];
    }),
  ];
}

/** What WhatsApp refuses in any value. docs/vendors/whatsapp.md §3.2, §3.9. */
function faults(value: string, path: string, what: string): TemplateProblem[] {
  const says = (message: string): TemplateProblem[] => [{ path, message: `${what} ${message}.` }];
  if (value.trim() === '') return says('is empty: give it a text');
  if (/[\n\r\t\v\f\u0085\u2028\u2029]/.test(value)) {
    return says('holds a line break or a tab, which WhatsApp refuses: write it on one line');
  }
  return / {4}/.test(value)
    ? says('holds four or more spaces in a row, which WhatsApp refuses: use one')
    : [];
}

function tooLong(text: string, limit: number, path: string, what: string): TemplateProblem[] {
  const length = Array.from(text).length;
  if (length <= limit) return [];
  return [
    {
      path,
      message: `${what} would be ${String(length)} characters long, and WhatsApp takes ${String(limit)}: shorten it.`,
    },
  ];
}
