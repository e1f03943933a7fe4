import { z } from 'zod';
import { type Judgement, misfit, refused, type Shown } from './judgement.ts';
import { type MediaKind, mediaKinds } from './media-kinds.ts';
import type { WhatsappRules } from './rules.ts';

/** Interactive messages and their limits. docs/vendors/whatsapp.md §3.2; most lengths from memory. */

const short = (most: number) => z.string().min(1).max(most);
const id = (most: number) => z.string().min(1).max(most);

const mediaHeader = z.looseObject({ id: z.string().optional(), link: z.httpUrl().optional() });
const header = z.looseObject({
  type: z.enum(['text', 'image', 'video', 'document']),
  text: short(60).optional(),
  image: mediaHeader.optional(),
  video: mediaHeader.optional(),
  document: mediaHeader.optional(),
});
const common = {
  header: header.optional(),
  body: z.looseObject({ text: short(1_024) }),
  footer: z.looseObject({ text: short(60) }).optional(),
};

const reply = z.looseObject({
  type: z.literal('reply'),
  reply: z.looseObject({ id: id(256), title: z.string().min(1) }),
});
const row = z.looseObject({ id: id(200), title: short(24), description: z.string().max(72).optional() });
const section = z.looseObject({ title: z.string().max(24).optional(), rows: z.array(row).min(1) });

const areUnique = (values: readonly string[]): boolean => new Set(values).size === values.length;

const kinds = {
  button: z.looseObject({
    ...common,
    action: z.looseObject({
      buttons: z
        .array(reply)
        .min(1)
        .max(3)
        .refine((some) => areUnique(some.map((one) => one.reply.id)), 'ids are not unique')
        .refine((some) => areUnique(some.map((one) => one.reply.title)), 'titles are not unique'),
    }),
  }),
  list: z.looseObject({
    ...common,
    header: z.looseObject({ type: z.literal('text'), text: short(60) }).optional(),
    body: z.looseObject({ text: short(4_096) }),
    action: z.looseObject({
      button: short(20),
      sections: z
        .array(section)
        .min(1)
        .max(10)
        .refine((some) => some.flatMap(({ rows }) => rows).length <= 10, 'more than 10 rows')
        .refine(
          (some) => areUnique(some.flatMap(({ rows }) => rows.map((one) => one.id))),
          'ids are not unique',
        )
        .refine(
          (some) => some.length === 1 || some.every(({ title = '' }) => title !== ''),
          'of several sections each needs a title',
        ),
    }),
  }),
  cta_url: z.looseObject({
    ...common,
    action: z.looseObject({
      name: z.literal('cta_url'),
      parameters: z.looseObject({ display_text: short(20), url: z.httpUrl() }),
    }),
  }),
  flow: z.looseObject({
    ...common,
    action: z.looseObject({
      name: z.literal('flow'),
      parameters: z
        .looseObject({
          flow_message_version: z.literal('3'),
          flow_cta: short(30),
          flow_id: z.string().optional(),
          flow_name: z.string().optional(),
          flow_token: z.string().optional(),
          mode: z.enum(['draft', 'published']).optional(),
          flow_action: z.enum(['navigate', 'data_exchange']).optional(),
        })
        .refine(
          ({ flow_id: byId, flow_name: byName }) => (byId === undefined) !== (byName === undefined),
          'either flow_id or flow_name',
        ),
    }),
  }),
  location_request_message: z.looseObject({
    body: common.body,
    action: z.looseObject({ name: z.literal('send_location') }),
  }),
  request_contact_info: z.looseObject({
    body: common.body,
    action: z.looseObject({ name: z.literal('request_contact_info') }),
  }),
  call_permission_request: z.looseObject({
    body: common.body.optional(),
    action: z.looseObject({ name: z.literal('call_permission_request') }),
  }),
  product: z.looseObject({
    ...common,
    header: z.undefined().optional(),
    body: common.body.optional(),
    action: z.looseObject({ catalog_id: z.string(), product_retailer_id: z.string() }),
  }),
  product_list: z.looseObject({
    ...common,
    header: z.looseObject({ type: z.literal('text'), text: short(60) }),
    action: z.looseObject({ catalog_id: z.string(), sections: z.array(z.looseObject({})).min(1).max(10) }),
  }),
  catalog_message: z.looseObject({
    ...common,
    action: z.looseObject({ name: z.literal('catalog_message') }),
  }),
} as const;

/** What of it a person reads, whichever kind it is. */
const readable = z.looseObject({
  header: header.optional(),
  body: z.looseObject({ text: z.string() }).optional(),
  footer: z.looseObject({ text: z.string() }).optional(),
  action: z.looseObject({
    button: z.string().optional(),
    buttons: z.array(z.looseObject({ reply: z.looseObject({ title: z.string() }) })).optional(),
    parameters: z
      .looseObject({
        display_text: z.string().optional(),
        url: z.string().optional(),
        flow_cta: z.string().optional(),
      })
      .optional(),
  }),
});

export function interactiveJudgement(content: unknown, rules: WhatsappRules): Judgement {
  const type = z.looseObject({ type: z.string() }).safeParse(content).data?.type;
  if (type === undefined || !Object.hasOwn(kinds, type))
    return refused(131_009, `interactive.type must be one of ${Object.keys(kinds).join(', ')}`);
  const wrong = misfit(kinds[type as keyof typeof kinds], content, 'interactive');
  if (wrong !== undefined) return wrong;
  const read = readable.parse(content);
  const titles = read.action.buttons?.map(({ reply: { title } }) => title) ?? [];
  if (titles.some((title) => title.length > rules.replyTitleMax))
    return refused(
      131_009,
      `Button title length invalid. Min length: 1, Max length: ${String(rules.replyTitleMax)}`,
    );
  return { body: read.body?.text ?? '', shown: shownOf(type, read, titles) };
}

function shownOf(
  type: string,
  { header: head, footer, action }: z.output<typeof readable>,
  titles: readonly string[],
): Shown {
  const { display_text: linkText, url, flow_cta: flowText } = action.parameters ?? {};
  const single = action.button ?? linkText ?? flowText;
  const buttons =
    titles.length > 0
      ? titles.map((text) => ({ type: 'reply', text }))
      : single === undefined
        ? undefined
        : [{ type, text: single, ...(url === undefined ? {} : { url }) }];
  return { header: head?.text, footer: footer?.text, buttons, medium: mediumOf(head) };
}

function mediumOf(head: z.output<typeof header> | undefined): Shown['medium'] {
  const kind: MediaKind | undefined = mediaKinds.find((one) => one === head?.type);
  if (head === undefined || kind === undefined) return undefined;
  const given = mediaHeader.safeParse(head[kind]).data;
  return { kind, id: given?.id, link: given?.link };
}
