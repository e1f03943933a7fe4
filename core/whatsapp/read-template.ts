import { z } from 'zod';
import { variablesOf } from './template-variables.ts';
import type { HeaderKind, ParameterFormat, Template, TemplateButton } from './templates.ts';

const lowerCase = z.string().transform((text) => text.toLowerCase());

const graphButton = z.looseObject({
  type: lowerCase,
  text: z.string().default(''),
  url: z.string().default(''),
});
type GraphButton = z.infer<typeof graphButton>;

const graphComponent = z.looseObject({
  type: lowerCase,
  format: lowerCase.optional(),
  text: z.string().optional(),
  buttons: z.array(graphButton).default([]),
});
type GraphComponent = z.infer<typeof graphComponent>;

/** Lenient with what is not known, strict where something may leave by it. */
const graphTemplate = z.looseObject({
  id: z.coerce.string().min(1),
  name: z.string().min(1),
  language: z.string().min(1),
  /** Of a category nobody knows, the one that wants most consent. */
  category: lowerCase.pipe(z.enum(['marketing', 'utility', 'authentication'])).catch('marketing'),
  status: lowerCase.catch('unknown'),
  quality_score: z.looseObject({ score: lowerCase }).catch({ score: 'unknown' }),
  parameter_format: lowerCase
    .pipe(z.enum(['positional', 'named']))
    .optional()
    .catch(undefined),
  components: z.array(graphComponent),
});

const headerKinds: readonly HeaderKind[] = ['text', 'image', 'video', 'document', 'location'];
const filled: ReadonlySet<string> = new Set(['header', 'body', 'footer', 'buttons']);

/** A template as Graph shows it; undefined: this is none. docs/vendors/whatsapp.md §3.9. */
export function readTemplate(payload: unknown): Template | undefined {
  const read = graphTemplate.safeParse(payload);
  if (!read.success) return undefined;
  const { id, name, language, category, status, quality_score: quality, components } = read.data;
  const of = (type: string): GraphComponent | undefined => components.find((one) => one.type === type);
  const body = of('body')?.text ?? '';
  const footer = of('footer')?.text;
  const header = of('header');
  const kind = headerKinds.find((one) => one === (header?.format ?? 'text'));
  const buttons = components.flatMap((one) => one.buttons);
  return {
    templateId: id,
    name,
    language,
    category,
    status,
    quality: quality.score,
    parameterFormat: read.data.parameter_format ?? formatOf(body),
    ...(header === undefined || kind === undefined
      ? {}
      : { header: { kind, ...(header.text === undefined ? {} : { text: header.text }) } }),
    body,
    ...(footer === undefined ? {} : { footer }),
    buttons: buttons.map(buttonOf),
    unsupported: [
      ...(header !== undefined && kind === undefined ? [`a ${header.format ?? ''} header`] : []),
      ...components.flatMap(({ type }) => (filled.has(type) ? [] : [`a ${spelled(type)}`])),
      ...(buttons.some(({ type }) => type === 'mpm') ? ['a list of products'] : []),
    ],
  };
}

/** Older ones do not say it. */
function formatOf(body: string): ParameterFormat {
  return variablesOf(body, 'named').some((name) => !/^\d+$/.test(name)) ? 'named' : 'positional';
}

function buttonOf({ type, text, url }: GraphButton): TemplateButton {
  switch (type) {
    case 'quick_reply':
      return { kind: 'quick reply', text };
    case 'url':
      return { kind: 'url', text, url, takesValue: variablesOf(url, 'named').length > 0 };
    // A one-time code goes by its address too, which Graph mostly shows in this one's place.
    case 'otp':
      return { kind: 'url', text, url: '{{1}}', takesValue: true };
    case 'phone_number':
      return { kind: 'phone number', text };
    case 'copy_code':
      return { kind: 'copy code', text };
    case 'flow':
      return { kind: 'flow', text };
    default:
      return { kind: 'other', type: type.toUpperCase(), text };
  }
}

function spelled(type: string): string {
  return type.replaceAll('_', ' ');
}
