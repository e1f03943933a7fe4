import type { OutboundTemplate } from './outbound.ts';
import type { ParameterFormat } from './templates.ts';

/** What stands in a template's text for a value: `{{1}}`, `{{2}}`, or `{{first_name}}`. */
const variable = /\{\{\s*(\w+)\s*\}\}/g;

/** A text's variables, each once: by their number, or in the order they are named. */
export function variablesOf(text: string, format: ParameterFormat): string[] {
  const found = [...new Set([...text.matchAll(variable)].map(([, name = '']) => name))];
  return format === 'named' ? found : found.toSorted((x, y) => Number(x) - Number(y));
}

/** The text with every variable it has a value for replaced. */
export function fillIn(text: string, values: ReadonlyMap<string, string>): string {
  return text.replaceAll(variable, (whole, name: string) => values.get(name) ?? whole);
}

/** What the body's values are for. */
export function bodyValues(
  text: string,
  format: ParameterFormat,
  body: OutboundTemplate['body'] = [],
): ReadonlyMap<string, string> {
  if (!Array.isArray(body)) return new Map(Object.entries(body));
  const variables = variablesOf(text, format);
  return new Map(
    body.flatMap((value, index) => (variables[index] === undefined ? [] : [[variables[index], value]])),
  );
}
