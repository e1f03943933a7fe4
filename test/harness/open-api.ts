/** Bodies against a published API description, OpenAPI 3.0 and 3.1 as far as vendors use them. */

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly nullable?: boolean;
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  /** Which of them by one of its properties. */
  readonly discriminator?: {
    readonly propertyName: string;
    readonly mapping?: Readonly<Record<string, string>>;
  };
}

type Content = Readonly<Record<string, { readonly schema?: Schema }>>;
interface Described {
  readonly $ref?: string;
  readonly content?: Content;
}
interface Parameter {
  readonly $ref?: string;
  readonly name?: string;
  readonly in?: string;
}
interface Operation {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Described;
  readonly responses: Readonly<Record<string, Described>>;
}

export interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly responses?: Readonly<Record<string, Described>>;
  };
}

export interface Exchange {
  readonly method: string;
  readonly path: string;
  /** Names in the query and of headers that ask for something; undefined: they are not looked at. */
  readonly asked?: { readonly query: readonly string[]; readonly headers: readonly string[] };
  readonly sent: unknown;
  readonly status: number;
  readonly answered: unknown;
}

export interface Checked {
  /** Names that are not looked at. */
  readonly known: ReadonlySet<string>;
  /** Of descriptions drawn from samples only paths, names and types count: not enums, what is required, null or a status. */
  readonly loosely?: boolean;
  /** Descriptions by their files, for references from one to another. */
  readonly files?: ReadonlyMap<string, unknown>;
}

/** What an exchange has that the descriptions do not allow, or lacks. */
export function objectionsTo(
  exchange: Exchange,
  descriptions: readonly Description[],
  checked: Checked,
): string[] {
  const { method, path } = exchange;
  const found = operationsOf(descriptions, method, path);
  if (found.length === 0) return [`${method} ${path} is described nowhere`];
  return ofChoices(found.map((one) => objectionsOf(exchange, one, checked)));
}

interface Found {
  readonly description: Description;
  readonly operation: Operation;
}

function objectionsOf(
  { method, path, asked = { query: [], headers: [] }, sent, status, answered }: Exchange,
  { description, operation }: Found,
  checked: Checked,
): string[] {
  const check = (described: Described | undefined, body: unknown, what: string): string[] => {
    const { at, value: real } = resolved(description, described ?? {}, checked);
    const schema = Object.values(real.content ?? {})[0]?.schema;
    return schema === undefined || body === undefined ? [] : misfits(at, schema, body, what, checked);
  };
  const answers = answersTo(operation, status, checked);
  const what = `${method} ${path} answered ${String(status)}`;
  const isNamed = (place: string, name: string): boolean =>
    (operation.parameters ?? [])
      .map((one) => resolved(description, one, checked).value)
      .some((one) => one.in === place && one.name?.toLowerCase() === name.toLowerCase());
  const unnamed = [
    ...asked.query.filter((name) => !isNamed('query', name)),
    ...asked.headers.filter((name) => !isNamed('header', name)),
  ];
  return [
    ...unnamed.map((name) => `${method} ${path} asks by ${name}`),
    ...check(operation.requestBody, sent, `${method} ${path} sent`),
    ...(answers.length === 0
      ? [`${method} ${path} answers no ${String(status)}`]
      : ofChoices(answers.map((one) => check(one, answered, what)))),
  ];
}

/** Of a status nobody described, loosely: the others of success, or of failure, or whatever there is. */
function answersTo({ responses }: Operation, status: number, { loosely }: Checked): readonly Described[] {
  const own = responses[String(status)] ?? responses['default'];
  if (own !== undefined) return [own];
  if (loosely !== true) return [];
  const all = Object.entries(responses);
  const like = all.filter(([one]) => Number(one) < 300 === status < 300 && one !== '204');
  return (like.length > 0 ? like : all).map(([, one]) => one);
}

/** A path that is written out goes before one with names in it; several files may describe the same. */
function operationsOf(descriptions: readonly Description[], method: string, path: string): Found[] {
  const parts = path.split('/');
  const fits = (template: string): boolean => {
    const named = template.split('/');
    return (
      named.length === parts.length && named.every((one, at) => one.startsWith('{') || one === parts[at])
    );
  };
  const found = descriptions.flatMap((description) =>
    Object.keys(description.paths).flatMap((template) => {
      const operation = fits(template) ? description.paths[template]?.[method.toLowerCase()] : undefined;
      return operation === undefined ? [] : [{ description, operation, names: template.split('{').length }];
    }),
  );
  const fewest = Math.min(...found.map(({ names }) => names));
  return found.filter(({ names }) => names === fewest);
}

/** Where references lead to, in whichever file; what is in none of them says nothing. */
function resolved<Value extends { readonly $ref?: string }>(
  description: Description,
  value: Value,
  { files }: Checked,
): { at: Description; value: Value } {
  if (value.$ref === undefined) return { at: description, value };
  const [file = '', place = ''] = value.$ref.split('#');
  const name = file.split('/').at(-1) ?? '';
  const at = name === '' ? description : (files?.get(name) as Description | undefined);
  let target: unknown = at;
  for (const step of place.split('/').slice(1)) {
    target =
      typeof target === 'object' && target !== null ? (target as Record<string, unknown>)[step] : undefined;
  }
  return at === undefined || target === undefined
    ? { at: description, value: {} as Value }
    : resolved(at, target as Value, files === undefined ? { known: new Set() } : { known: new Set(), files });
}

function misfits(
  description: Description,
  given: Schema,
  value: unknown,
  what: string,
  checked: Checked,
): string[] {
  const { at, value: found } = resolved(description, given, checked);
  const named = discriminated(found, value);
  if (named !== undefined) return misfits(at, { $ref: named }, value, what, checked);
  const schema = together(at, found, checked);
  const { loosely = false } = checked;
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices !== undefined) return ofChoices(choices.map((one) => misfits(at, one, value, what, checked)));
  if (value === null) {
    const { nullable = false, type = 'null' } = schema;
    return loosely || nullable || type === 'null' || type.includes('null') ? [] : [`${what} is null`];
  }
  if (!loosely && schema.enum !== undefined && !schema.enum.includes(value)) {
    return [`${what} is none of its values`];
  }
  if (typeof schema.type === 'object') {
    return ofChoices(schema.type.map((type) => misfits(at, { ...schema, type }, value, what, checked)));
  }
  // A sample that was empty says nothing of what it may hold.
  if (loosely && schema.type === 'object' && Object.keys(schema.properties ?? {}).length === 0) return [];
  switch (schema.type) {
    case 'array':
      return Array.isArray(value)
        ? value.flatMap((item, index) =>
            misfits(at, schema.items ?? {}, item, `${what}[${String(index)}]`, checked),
          )
        : [`${what} is no list`];
    case 'object':
      return typeof value === 'object' && !Array.isArray(value)
        ? misfitsOfObject(at, schema, value as Record<string, unknown>, what, checked)
        : [`${what} is no object`];
    case 'string':
      return typeof value === 'string' ? [] : [`${what} is no text`];
    case 'boolean':
      return typeof value === 'boolean' ? [] : [`${what} is neither true nor false`];
    case 'integer':
    case 'number':
      return typeof value === 'number' ? [] : [`${what} is no number`];
    case 'null':
      return [`${what} is not null`];
    default:
      return [];
  }
}

function discriminated({ discriminator }: Schema, value: unknown): string | undefined {
  if (discriminator?.mapping === undefined || typeof value !== 'object' || value === null) return undefined;
  const name = Object.entries(value).find(([property]) => property === discriminator.propertyName)?.[1];
  return typeof name === 'string' ? discriminator.mapping[name] : undefined;
}

/** Parts of one schema as one: each alone would object to what the others name. */
function together(description: Description, schema: Schema, checked: Checked): Schema {
  const { allOf, ...own } = schema;
  if (allOf === undefined) return schema;
  const parts = allOf.map((one) => {
    const { at, value } = resolved(description, one, checked);
    return together(at, value, checked);
  });
  return [...parts, own].reduce<Schema>(
    (whole, part) => ({
      ...whole,
      ...part,
      required: [...(whole.required ?? []), ...(part.required ?? [])],
      properties: { ...whole.properties, ...part.properties },
    }),
    {},
  );
}

/** One of them fits, or what stands against the one that comes nearest. */
function ofChoices(objections: readonly string[][]): string[] {
  return objections.toSorted((x, y) => x.length - y.length)[0] ?? [];
}

function misfitsOfObject(
  description: Description,
  { required = [], properties, additionalProperties }: Schema,
  value: Record<string, unknown>,
  what: string,
  checked: Checked,
): string[] {
  const { known, loosely = false } = checked;
  const missing = loosely ? [] : required.filter((one) => value[one] === undefined && !known.has(one));
  return [
    ...missing.map((one) => `${what} lacks ${one}`),
    ...Object.entries(value).flatMap(([one, inner]) => {
      if (known.has(one)) return [];
      const named = properties?.[one];
      const schema = named ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined);
      if (schema !== undefined) {
        // A property of a record that holds nothing is null, which descriptions of maps leave out.
        if (inner === null && named === undefined) return [];
        return misfits(description, schema, inner, `${what}.${one}`, checked);
      }
      return additionalProperties === true ? [] : [`${what} has ${one}`];
    }),
  ];
}
