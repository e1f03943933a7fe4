import { z } from 'zod';
import { type Judgement, type MediumRef, misfit, refused } from './judgement.ts';
import { type MediaKind, mediaKinds } from './media-kinds.ts';
import type { WhatsappRules } from './rules.ts';
import {
  buttonsOf,
  componentOf,
  filledIn,
  type Template,
  type TemplateButton,
  type TemplateComponent,
  variablesOf,
} from './template.ts';
import type { Templates } from './templates.ts';

/** Whether a template may be sent with these values. docs/vendors/whatsapp.md §3.2, §3.6; wording from memory. */

const link = z.looseObject({
  id: z.string().optional(),
  link: z.httpUrl().optional(),
  filename: z.string().optional(),
});

const parameterSchema = z.looseObject({
  type: z.string().toLowerCase(),
  parameter_name: z.string().optional(),
  // Meta's own example of a quick reply has true and false.
  text: z.union([z.string(), z.boolean().transform(String)]).optional(),
  currency: z
    .looseObject({ fallback_value: z.string(), code: z.string(), amount_1000: z.number() })
    .optional(),
  date_time: z.looseObject({ fallback_value: z.string() }).optional(),
  image: link.optional(),
  video: link.optional(),
  document: link.optional(),
  location: z
    .looseObject({
      latitude: z.union([z.number(), z.string()]),
      longitude: z.union([z.number(), z.string()]),
    })
    .optional(),
  payload: z.string().optional(),
  coupon_code: z.string().optional(),
});
type Parameter = z.output<typeof parameterSchema>;

const sentSchema = z.looseObject({
  name: z.string(),
  language: z.looseObject({ code: z.string() }),
  components: z
    .array(
      z.looseObject({
        type: z.string().toUpperCase(),
        sub_type: z.string().toUpperCase().optional(),
        index: z.union([z.int(), z.string().regex(/^\d+$/).transform(Number)]).optional(),
        parameters: z.array(parameterSchema).optional(),
      }),
    )
    .optional(),
});
type SentComponent = NonNullable<z.output<typeof sentSchema>['components']>[number];

const longestCoupon = 20;

export function templateJudgement(content: unknown, templates: Templates, rules: WhatsappRules): Judgement {
  const wrong = misfit(sentSchema, content, 'template');
  if (wrong !== undefined) return wrong;
  const { name, language, components = [] } = sentSchema.parse(content);
  const template = templates.find(name, language.code);
  if (template?.status === 'PAUSED') return refused(132_015, `template ${name} is paused`);
  if (template?.status === 'DISABLED') return refused(132_016, `template ${name} is disabled`);
  if (template === undefined || !['APPROVED', 'FLAGGED'].includes(template.status))
    return refused(132_001, `template name (${name}) does not exist in ${language.code}`);
  const given = (type: string): Parameter[] =>
    components.filter((one) => one.type === type).flatMap(({ parameters = [] }) => parameters);
  try {
    const header = judgedHeader(template, given('HEADER'), rules);
    const bodyText = componentOf(template, 'BODY')?.text ?? '';
    const body = judgedText('body', bodyText, given('BODY'), template, rules);
    if (body.length > rules.hydratedBodyMax) fail(132_005, `body: ${String(body.length)} characters`);
    const buttons = judgedButtons(
      buttonsOf(template),
      components.filter(({ type }) => type === 'BUTTON'),
      rules,
    );
    const { category } = template;
    return {
      body,
      shown: {
        ...header,
        footer: componentOf(template, 'FOOTER')?.text,
        buttons: buttons.length === 0 ? undefined : buttons,
        template: { name, language: language.code, category },
      },
    };
  } catch (error) {
    if (error instanceof Misfit) return refused(error.code, error.message);
    throw error;
  }
}

/** Thrown where a value does not fit, caught where the template is judged. */
class Misfit extends Error {
  readonly code: number;

  constructor(code: number, details: string) {
    super(details);
    this.code = code;
  }
}

function fail(code: number, details: string): never {
  throw new Misfit(code, details);
}

function judgedHeader(
  template: Template,
  parameters: readonly Parameter[],
  rules: WhatsappRules,
): { header?: string; medium?: MediumRef } {
  const header: TemplateComponent | undefined = componentOf(template, 'HEADER');
  const { format = 'TEXT', text = '' } = header ?? {};
  const [parameter] = parameters;
  if (format === 'TEXT') {
    const words = judgedText('header', text, parameters, template, rules);
    return header === undefined ? {} : { header: words };
  }
  const received = parameter?.type.toUpperCase() ?? 'UNKNOWN';
  if (parameters.length !== 1 || parameter === undefined || received !== format)
    return fail(132_012, `header: Format mismatch, expected ${format}, received ${received}`);
  if (format === 'LOCATION')
    return parameter.location === undefined
      ? fail(131_008, 'header: location is required')
      : { header: 'location' };
  const kind: MediaKind = mediaKinds.find((one) => one === parameter.type) ?? 'document';
  const medium = link.safeParse(parameter[kind]).data;
  if ((medium?.id === undefined) === (medium?.link === undefined))
    return fail(131_008, `header: ${kind} needs either id or link`);
  return { medium: { kind, id: medium?.id, link: medium?.link, filename: medium?.filename } };
}

function judgedText(
  place: string,
  text: string,
  parameters: readonly Parameter[],
  { parameterFormat }: Template,
  rules: WhatsappRules,
): string {
  const wanted = variablesOf(text);
  if (parameters.length !== wanted.length)
    fail(
      132_000,
      `${place}: number of localizable_params (${String(parameters.length)}) does not match the expected number of ` +
        `params (${String(wanted.length)})`,
    );
  const values = new Map<string, string>();
  for (const [index, parameter] of parameters.entries()) {
    const name = parameterFormat === 'NAMED' ? parameter.parameter_name : String(index + 1);
    if (name === undefined || name === '') fail(100, 'Parameter name is missing or empty');
    if (!wanted.includes(name)) fail(132_012, `${place}: parameter ${name} is not in the template`);
    if (values.has(name)) fail(132_000, `${place}: parameter ${name} is given twice`);
    values.set(name, judgedValue(`${place}: parameter ${name}`, parameter, rules));
  }
  return filledIn(text, values);
}

function judgedValue(place: string, parameter: Parameter, rules: WhatsappRules): string {
  const { type, text, currency, date_time: time } = parameter;
  if (!['text', 'currency', 'date_time'].includes(type))
    fail(132_012, `${place}: Format mismatch, expected TEXT, received ${type.toUpperCase()}`);
  const value = type === 'text' ? text : (currency?.fallback_value ?? time?.fallback_value);
  if (value === undefined) return fail(131_008, `${place} of type ${type} is missing its value`);
  checkValue(place, value, rules);
  return value;
}

function checkValue(place: string, value: string, { spaceRunMax }: WhatsappRules): void {
  if (value.trim() === '') fail(132_018, `${place} is empty`);
  if (/[\n\r\t]/.test(value) || value.includes(' '.repeat(spaceRunMax + 1)))
    fail(
      132_018,
      `${place} cannot have new-line/tab characters or more than ${String(spaceRunMax)} consecutive spaces`,
    );
}

type ShownButton = { type: string; text: string; url?: string };

function judgedButtons(
  buttons: readonly TemplateButton[],
  sent: readonly SentComponent[],
  rules: WhatsappRules,
): ShownButton[] {
  for (const { index, sub_type: subType = '' } of sent) {
    const button = buttons[index ?? -1];
    if (button === undefined) fail(132_018, `buttons: there is no button at index ${String(index)}`);
    if (!isSentAs(button, subType))
      fail(132_012, `buttons: Format mismatch, expected ${button.type}, received ${subType}`);
  }
  return buttons.map((button, index) => {
    const parameters = sent.filter((one) => one.index === index).flatMap((one) => one.parameters ?? []);
    return judgedButton(button, index, parameters, rules);
  });
}

/** Sub-types are named as buttons are, but for those of one word. */
function isSentAs({ type }: TemplateButton, subType: string): boolean {
  return subType === type || (type === 'PHONE_NUMBER' && subType === 'VOICE_CALL');
}

function judgedButton(
  { type, text = '', url }: TemplateButton,
  index: number,
  parameters: readonly Parameter[],
  rules: WhatsappRules,
): ShownButton {
  const place = `buttons: Button at index ${String(index)} of type ${type}`;
  const [parameter] = parameters;
  const takes =
    type === 'URL'
      ? variablesOf(url).length
      : ['QUICK_REPLY', 'COPY_CODE', 'FLOW', 'CATALOG', 'MPM'].includes(type)
        ? 1
        : 0;
  if (parameters.length > takes) fail(132_018, `${place} takes no parameter`);
  if (type === 'URL' && url !== undefined) {
    if (takes === 0) return { type, text, url };
    const value = parameter?.text;
    if (value === undefined) return fail(131_008, `${place} requires a parameter`);
    checkValue(place, value, rules);
    return { type, text, url: filledIn(url, new Map(variablesOf(url).map((name) => [name, value]))) };
  }
  if (type === 'COPY_CODE') {
    const code = parameter?.coupon_code;
    if (code === undefined) return fail(131_008, `${place} requires a parameter`);
    checkValue(place, code, rules);
    if (code.length > longestCoupon) fail(132_018, `${place}: ${String(longestCoupon)} characters at most`);
    return { type, text: `${text}: ${code}` };
  }
  return { type, text };
}
