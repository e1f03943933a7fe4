import { z } from 'zod';
import { Refusal, type WrongField } from '@sangam/core/errors';

/** What came from outside as the schema has it. Throws a `Refusal` that says of each input what it should be. */
export function readInput<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value, { error: inWords });
  if (!result.success) throw wrongInput(wrongFields(result.error));
  return result.data;
}

/** An answer tells of so many wrong inputs, and so much of a name: what was sent does not come back whole. */
const mostFields = 20;
const mostOfPath = 200;

/** A request whose inputs are not as they should be. */
export function wrongInput(wrong: readonly WrongField[]): Refusal {
  const fields = wrong.slice(0, mostFields).map(({ path, message }) => ({
    path: path.length > mostOfPath ? `${path.slice(0, mostOfPath)}…` : path,
    message,
  }));
  const lines = fields.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  return new Refusal('invalid', 'bad_request', lines.join('\n'), fields);
}

/** Every name that is not known here is a field of its own. */
function wrongFields({ issues }: { readonly issues: readonly z.core.$ZodIssue[] }): WrongField[] {
  return issues.flatMap(({ path, message, ...issue }) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ path: z.core.toDotPath([...path, key]), message }));
    }
    if (issue.code === 'invalid_union' && message === formsInWords(issue.errors)) {
      const [form, ...others] = nearestForms(issue.errors);
      if (form !== undefined && others.length === 0) {
        return wrongFields({ issues: form.map((one) => ({ ...one, path: [...path, ...one.path] })) });
      }
    }
    return [{ path: z.core.toDotPath(path), message }];
  });
}

/** Of the forms an input may have, each told by what is wrong with it for that form: those that the least is wrong with. */
function nearestForms(forms: readonly z.core.$ZodIssue[][]): readonly z.core.$ZodIssue[][] {
  const least = Math.min(...forms.map((issues) => issues.length));
  return forms.filter((issues) => issues.length === least);
}

/** Names that are not known are told where nothing else is wrong with a form. */
function withoutStrangers(issues: readonly z.core.$ZodIssue[]): readonly z.core.$ZodIssue[] {
  const others = issues.filter(({ code }) => code !== 'unrecognized_keys');
  return others.length === 0 ? issues : others;
}

function formsInWords(forms: readonly z.core.$ZodIssue[][]): string | undefined {
  const told = nearestForms(forms).map((issues) =>
    wrongFields({ issues: withoutStrangers(issues) })
      .map(({ path, message }) => (path === '' ? message : `${path} ${message}`))
      .join(' and '),
  );
  return told.length === 0 ? undefined : [...new Set(told)].join('; or ');
}

/** zod's problems as what to give instead. Where a schema has words of its own, those stand. */
export const inWords: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'invalid_type': {
      const wanted = `must be ${types[issue.expected] ?? issue.expected}`;
      return issue.input === undefined ? `is missing: it ${wanted}` : wanted;
    }
    case 'invalid_value':
      return issue['expected'] === 'stringbool' ? 'must be true or false' : `must be ${oneOf(issue.values)}`;
    case 'invalid_union':
      if (issue.input === undefined) return 'is missing';
      return 'options' in issue && Array.isArray(issue.options)
        ? `must be ${oneOf(issue.options)}`
        : formsInWords(issue.errors);
    case 'unrecognized_keys':
      return issue.inst instanceof z.ZodObject
        ? `is not known here: there are ${Object.keys(issue.inst.shape).join(', ')}`
        : 'is not known here';
    case 'too_small':
      return `must ${amount(issue.origin)}at least ${sizeOf(issue.origin, issue.minimum)}`;
    case 'too_big':
      return `must ${amount(issue.origin)}at most ${sizeOf(issue.origin, issue.maximum)}`;
    case 'invalid_format':
      return formats[issue.format];
    default:
      return undefined;
  }
};

const types: Readonly<Record<string, string>> = {
  string: 'text',
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list, in [ ]',
  object: 'an object, in { }',
  record: 'an object, in { }',
};

const formats: Readonly<Record<string, string>> = {
  date: 'must be a day such as 2026-11-23',
  datetime: 'must be a time with its zone, such as 2026-11-23T09:30:00Z',
  uuid: 'must be an id as the API tells it, such as 6a1a4d6a-0000-4000-8000-000000000000',
  url: 'must be an address, such as https://example.com/picture.png',
  email: 'must be an e-mail address',
};

function oneOf(values: readonly unknown[]): string {
  const told = values.map((value) => JSON.stringify(value));
  return told.length === 1 ? told.join('') : `one of ${told.join(', ')}`;
}

function amount(origin: string): string {
  if (origin === 'string') return 'have ';
  return origin === 'array' ? 'hold ' : 'be ';
}

function sizeOf(origin: string, size: number | bigint): string {
  if (origin !== 'string') return String(size);
  return `${String(size)} character${size === 1 ? '' : 's'}`;
}
