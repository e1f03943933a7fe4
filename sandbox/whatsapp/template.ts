import { z } from 'zod';

/** Templates as Graph has them, under the names OpenAPI v23 gives their parts. docs/vendors/whatsapp.md §3.2. */

export const categories = ['MARKETING', 'UTILITY', 'AUTHENTICATION'] as const;
export type Category = (typeof categories)[number];

/** docs/vendors/whatsapp.md §1.10. */
export const templateStatuses = [
  'APPROVED',
  'PENDING',
  'REJECTED',
  'PAUSED',
  'DISABLED',
  'FLAGGED',
  'IN_APPEAL',
  'PENDING_DELETION',
  'LIMIT_EXCEEDED',
  'ARCHIVED',
  'LOCKED',
] as const;
type TemplateStatus = (typeof templateStatuses)[number];

export const qualities = ['GREEN', 'YELLOW', 'RED', 'UNKNOWN'] as const;
type Quality = (typeof qualities)[number];

const upper = z.string().toUpperCase();

const buttonSchema = z.looseObject({
  type: upper,
  text: z.string().optional(),
  url: z.string().optional(),
  phone_number: z.string().optional(),
});
export type TemplateButton = z.output<typeof buttonSchema>;

const exampleSchema = z.looseObject({ header_handle: z.array(z.string()).optional() });

const componentSchema = z.looseObject({
  type: upper,
  format: upper.optional(),
  text: z.string().optional(),
  example: exampleSchema.optional(),
  buttons: z.array(buttonSchema).optional(),
});
export type TemplateComponent = z.output<typeof componentSchema>;

export const componentsSchema = z.array(componentSchema);

export const templateSchema = z.object({
  /** Digits; webhooks write it as a number. */
  id: z.string(),
  name: z.string(),
  language: z.string(),
  category: z.enum(categories),
  previousCategory: z.enum(categories).optional(),
  status: z.enum(templateStatuses),
  quality: z.enum(qualities),
  parameterFormat: z.enum(['POSITIONAL', 'NAMED']),
  components: componentsSchema,
  rejectedReason: z.string().optional(),
  /** When it is approved by itself, milliseconds since the Unix epoch. */
  reviewedAt: z.number().optional(),
});

export interface Template {
  readonly id: string;
  readonly name: string;
  readonly language: string;
  readonly category: Category;
  readonly previousCategory?: Category | undefined;
  readonly status: TemplateStatus;
  readonly quality: Quality;
  readonly parameterFormat: 'POSITIONAL' | 'NAMED';
  readonly components: readonly TemplateComponent[];
  readonly rejectedReason?: string | undefined;
  readonly reviewedAt?: number | undefined;
}

export function componentOf(
  template: Pick<Template, 'components'>,
  type: string,
): TemplateComponent | undefined {
  return template.components.find((component) => component.type === type);
}

export function buttonsOf(template: Pick<Template, 'components'>): readonly TemplateButton[] {
  return componentOf(template, 'BUTTONS')?.buttons ?? [];
}

const variable = /\{\{\s*([^{}]*?)\s*\}\}/g;

/** The names or numbers of a text's variables, each once, in the order they come. */
export function variablesOf(text = ''): string[] {
  return [...new Set([...text.matchAll(variable)].map(([, name = '']) => name))];
}

export function filledIn(text: string, values: ReadonlyMap<string, string>): string {
  return text.replace(variable, (whole, name: string) => values.get(name) ?? whole);
}
