import { type ContactFields, type ContactSource, contactSources, ruleOf } from '../crm/index.ts';
import { dateFormat } from '../timeline/index.ts';
import type {
  OutboundContent,
  OutboundTemplate,
  RequestedContent,
  RequestedTemplate,
  TemplateValue,
} from '../whatsapp/index.ts';

/** Values of a template that stand for a field of the person, by the field's name. */

const fieldNames: ReadonlySet<string> = new Set(contactSources);

export function isField(name: string): name is ContactSource {
  return fieldNames.has(name);
}

/** Names of fields a template asks for. */
export function fieldsAskedFor(content: RequestedContent): string[] {
  return content.type === 'template'
    ? valuesOf(content.template).flatMap((value) => (typeof value === 'string' ? [] : [value.field]))
    : [];
}

function valuesOf({ header, body = [], buttons = [] }: RequestedTemplate): TemplateValue[] {
  return [
    ...(header !== undefined && 'text' in header ? [header.text] : []),
    ...(Array.isArray(body) ? body : Object.values(body)),
    ...buttons.map(valueOf),
  ];
}

type Button = NonNullable<RequestedTemplate['buttons']>[number];

function valueOf(button: Button): TemplateValue {
  if ('url' in button) return button.url;
  if ('quickReply' in button) return button.quickReply;
  return 'code' in button ? button.code : button.flow;
}

/** What leaves: each field in its person's words, or what stands in for it. */
export function resolved(
  content: RequestedContent,
  person: ContactFields | undefined,
  timeZone: string,
): OutboundContent {
  if (content.type !== 'template') return content;
  const { header, body, buttons, ...template } = content.template;
  const say = (value: TemplateValue): string =>
    typeof value === 'string' ? value : saidOf(value, person, timeZone);
  return {
    type: 'template',
    template: {
      ...template,
      ...(header === undefined
        ? {}
        : { header: 'text' in header ? { ...header, text: say(header.text) } : header }),
      ...(body === undefined
        ? {}
        : {
            body: Array.isArray(body)
              ? body.map(say)
              : Object.fromEntries(Object.entries(body).map(([name, value]) => [name, say(value)])),
          }),
      ...(buttons === undefined ? {} : { buttons: buttons.map((button) => resolvedButton(button, say)) }),
    },
  };
}

function resolvedButton(
  button: Button,
  say: (value: TemplateValue) => string,
): NonNullable<OutboundTemplate['buttons']>[number] {
  if ('url' in button) return { ...button, url: say(button.url) };
  if ('quickReply' in button) return { ...button, quickReply: say(button.quickReply) };
  return 'code' in button ? { ...button, code: say(button.code) } : { ...button, flow: say(button.flow) };
}

function saidOf(
  { field, fallback }: Exclude<TemplateValue, string>,
  person: ContactFields | undefined,
  timeZone: string,
): string {
  if (person === undefined || !isField(field)) return fallback;
  const value = ruleOf(field).read(person);
  switch (value.kind) {
    case 'text':
      return value.text === undefined || value.text.trim() === '' ? fallback : value.text;
    case 'time':
      return value.at === undefined
        ? fallback
        : dateFormat('en-GB', { timeZone, day: 'numeric', month: 'long', year: 'numeric' }).format(value.at);
    case 'flag':
      return value.set ? 'yes' : 'no';
    case 'tags':
      return value.tags.length === 0 ? fallback : value.tags.join(', ');
  }
}
