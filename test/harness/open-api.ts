/** Bodies against a published API description, OpenAPI 3.0 as far as vendors use it. */

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly nullable?: boolean;
}

type Content = Readonly<Record<string, { readonly schema?: Schema }>>;
interface Described {
  readonly $ref?: string;
  readonly content?: Content;
}
interface Operation {
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
  readonly sent: unknown;
  readonly status: number;
  readonly answered: unknown;
}

/** What an exchange has that the descriptions do not allow, or lacks; `known`: names that are not looked at. */
export function objectionsTo(
  { method, path, sent, status, answered }: Exchange,
  descriptions: readonly Description[],
  known: ReadonlySet<string>,
): string[] {
  for (const description of descriptions) {
    const operation = operationOf(description, method, path);
    if (operation === undefined) continue;
    const check = (described: Described | undefined, body: unknown, what: string): string[] => {
      const schema = schemaOf(description, described);
      return schema === undefined || body === undefined
        ? []
        : misfits(description, schema, body, what, known);
    };
    const answer = operation.responses[String(status)] ?? operation.responses['default'];
    return [
      ...check(operation.requestBody, sent, `${method} ${path} sent`),
      ...(answer === undefined
        ? [`${method} ${path} answers no ${String(status)}`]
        : check(answer, answered, `${method} ${path} answered ${String(status)}`)),
    ];
  }
  return [`${method} ${path} is described nowhere`];
}

/** A path that is written out goes before one with names in it. */
function operationOf({ paths }: Description, method: string, path: string): Operation | undefined {
  const parts = path.split('/');
  const found = Object.keys(paths)
    .filter((template) => {
      const named = template.split('/');
      return (
        named.length === parts.length && named.every((one, at) => one.startsWith('{') || one === parts[at])
      );
    })
    .toSorted((x, y) => x.split('{').length - y.split('{').length);
  return found.map((template) => paths[template]?.[method.toLowerCase()]).find((one) => one !== undefined);
}

function schemaOf(description: Description, described: Described | undefined): Schema | undefined {
  const name = described?.$ref?.split('/').at(-1);
  const real = name === undefined ? described : description.components.responses?.[name];
  const { content = {} } = real ?? {};
  return Object.values(content)[0]?.schema;
}

function misfits(
  description: Description,
  given: Schema,
  value: unknown,
  at: string,
  known: ReadonlySet<string>,
): string[] {
  const name = given.$ref?.split('/').at(-1);
  const schema = name === undefined ? given : (description.components.schemas[name] ?? {});
  if (value === null) return schema.nullable === true || schema.type === undefined ? [] : [`${at} is null`];
  if (schema.enum !== undefined && !schema.enum.includes(value)) return [`${at} is none of its values`];
  switch (schema.type) {
    case 'array':
      return Array.isArray(value)
        ? value.flatMap((item, index) =>
            misfits(description, schema.items ?? {}, item, `${at}[${String(index)}]`, known),
          )
        : [`${at} is no list`];
    case 'object':
      return typeof value === 'object' && !Array.isArray(value)
        ? misfitsOfObject(description, schema, value as Record<string, unknown>, at, known)
        : [`${at} is no object`];
    case 'string':
      return typeof value === 'string' ? [] : [`${at} is no text`];
    case 'boolean':
      return typeof value === 'boolean' ? [] : [`${at} is neither true nor false`];
    case 'integer':
    case 'number':
      return typeof value === 'number' ? [] : [`${at} is no number`];
    default:
      return [];
  }
}

function misfitsOfObject(
  description: Description,
  { required = [], properties = {}, additionalProperties }: Schema,
  value: Record<string, unknown>,
  at: string,
  known: ReadonlySet<string>,
): string[] {
  const missing = required.filter((one) => value[one] === undefined && !known.has(one));
  return [
    ...missing.map((one) => `${at} lacks ${one}`),
    ...Object.entries(value).flatMap(([one, inner]) => {
      if (known.has(one)) return [];
      const schema =
        properties[one] ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined);
      if (schema !== undefined) {
        // A property of a record that holds nothing is null, which descriptions of maps leave out.
        if (inner === null && properties[one] === undefined) return [];
        return misfits(description, schema, inner, `${at}.${one}`, known);
      }
      return additionalProperties === true ? [] : [`${at} has ${one}`];
    }),
  ];
}
