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
function wrongFields(
  { issues }: { readonly issues: readonly z.core.$ZodIssue[] },
  within: readonly PropertyKey[] = [],
): WrongField[] {
  return issues.flatMap(({ path, message, ...issue }): WrongField[] => {
    const place = [...within, ...path];
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => ({ path: z.core.toDotPath([...place, key]), message }));
    // Of several forms the one that was meant says what is wrong; where that may be any, each does.
    const forms = issue.code === 'invalid_union' ? issue.errors : [];
    const fewest = Math.min(...forms.map((form) => form.length));
    const meant = forms.filter((form) => form.length === fewest);
    const [only] = meant;
    if (meant.length === 1 && only !== undefined) return wrongFields({ issues: only }, place);
    if (meant.length === 0) return [{ path: z.core.toDotPath(place), message }];
    const said = meant.map((form) =>
      wrongFields({ issues: form })
        .map((wrong) => `${wrong.path} ${wrong.message}`.trim())
        .join(', '),
    );
    return [{ path: z.core.toDotPath(place), message: said.join('; or ') }];
  });
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
      return 'options' in issue && Array.isArray(issue.options)
        ? `must be ${oneOf(issue.options)}`
        : undefined;
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
