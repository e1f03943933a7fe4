import type { OutboundTemplate } from './outbound.ts';
import { bodyValues, fillIn, variablesOf } from './template-variables.ts';
import type { Template } from './templates.ts';

/** What the person reads: header, body and footer, a line each, then its buttons in brackets. */
export function templateText(template: Template, values: OutboundTemplate): string {
  const { body, parameterFormat, footer, buttons } = template;
  return [
    headerText(template, values.header),
    fillIn(body, bodyValues(body, parameterFormat, values.body)),
    footer,
    buttons.map(({ text }) => `[${text}]`).join(' '),
  ]
    .filter((line) => line !== undefined && line !== '')
    .join('\n');
}

function headerText(
  { header, parameterFormat }: Template,
  given: OutboundTemplate['header'],
): string | undefined {
  if (header === undefined) return undefined;
  const { kind, text = '' } = header;
  if (kind === 'text') {
    if (given === undefined || !('text' in given)) return text;
    return fillIn(text, new Map(variablesOf(text, parameterFormat).map((name) => [name, given.text])));
  }
  return [`[${kind}]`, given === undefined ? undefined : nameOf(given)]
    .filter((part) => part !== undefined && part !== '')
    .join(' ');
}

function nameOf(given: NonNullable<OutboundTemplate['header']>): string | undefined {
  if ('document' in given) return given.filename;
  if (!('location' in given)) return undefined;
  const { name, address } = given.location;
  return [name, address].filter((part) => part !== undefined && part !== '').join(', ');
}
