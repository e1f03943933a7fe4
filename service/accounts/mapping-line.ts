import { z } from 'zod';
import { contactSources, type FieldMapping, fieldPolicies, transforms } from '@sangam/core/crm';

const standIn = z.union(
  [
    z.literal('phone').describe('their phone'),
    z.literal('username').describe('their username, with the @'),
    z.templateLiteral(["'", z.string().min(1).max(1_000), "'"]).describe('this text'),
  ],
  'must be "phone", "username", or a text in single quotes, such as "\'WhatsApp contact\'"',
);

/** A line of a mapping as an admin reads and writes it. Each CRM's guide tells it in the words that stand here. */
export const mappingLine = z.strictObject({
  source: z
    .union(
      [
        z.enum(contactSources),
        z.strictObject({ flowAnswer: z.string().min(1).max(200) }),
        z.strictObject({ constant: z.string().min(1).max(1_000) }),
      ],
      `must be one of ${contactSources.join(', ')}, or {"flowAnswer": "the question's name"}, or {"constant": "a text"}`,
    )
    .describe('what is written'),
  field: z
    .string()
    .min(1)
    .max(200)
    .describe("the CRM's field by its name in the API: `GET …/fields` lists them"),
  policy: z.enum(fieldPolicies).describe('who decides the value'),
  transform: z.enum(transforms).default('as is').describe('what is done to a text on its way'),
  values: z
    .record(z.string().min(1).max(1_000), z.string().min(1).max(1_000))
    .exactOptional()
    .describe(
      'what is written in place of some texts, such as `{"WhatsApp CTWA": "whatsapp_ctwa"}`; the others go by `transform`',
    ),
  standIns: z
    .array(standIn)
    .max(20)
    .exactOptional()
    .describe(
      'what a new record gets in place of a missing value: the first that is known, until the value is',
    ),
});
export type MappingLine = z.output<typeof mappingLine>;

export function lineOf({ field, ...line }: FieldMapping): MappingLine {
  const { standIns, values, ...rest } = line;
  return {
    ...rest,
    field: field.name,
    ...(values === undefined ? {} : { values: { ...values } }),
    ...(standIns === undefined ? {} : { standIns: [...standIns] }),
  };
}
