import { z } from 'zod';
import {
  type InboxRow,
  learnDailyLimit,
  noteTemplate,
  reconsiderFor,
  reconsiderTemplate,
  type WorkspaceTransaction,
} from '../../store/index.ts';
import type { TemplateCategory, WebhookSlice } from '../../whatsapp/index.ts';

/** What WhatsApp tells of templates and limits, as far as what waits to leave depends on it. docs/vendors/whatsapp.md §1.10. */

const text = z.string().optional().catch(undefined);

const valueSchema = z.looseObject({
  event: text,
  message_template_name: text,
  message_template_language: text,
  new_quality_score: text,
  new_category: text,
  max_daily_conversations_per_business: text,
  max_daily_conversation_per_phone: z.union([z.number(), z.string()]).optional().catch(undefined),
});

/** Kinds of news by the field they come in. */
const fields: ReadonlySet<string> = new Set([
  'message_template_status_update',
  'message_template_quality_update',
  'message_template_components_update',
  'template_category_update',
  'business_capability_update',
]);

/** Meta's words for a status where they differ from what its templates say. */
const statuses: Readonly<Record<string, string>> = {
  reinstated: 'approved',
  unarchived: 'approved',
  flagged: 'approved',
};

const categories: ReadonlySet<string> = new Set(['marketing', 'utility', 'authentication']);

const isCategory = (word: string | undefined): word is TemplateCategory =>
  word !== undefined && categories.has(word);

export async function noteSendingNews(
  trx: WorkspaceTransaction,
  kept: readonly { readonly row: InboxRow; readonly what: string; readonly at: number }[],
  now: number,
): Promise<void> {
  const news = kept.filter(({ what }) => fields.has(what)).toSorted((x, y) => x.at - y.at);
  for (const { row, what } of news) {
    const slice = JSON.parse(row.payload.toString('utf8')) as WebhookSlice;
    const value = valueSchema.safeParse(slice.item).data;
    const { wabaId } = slice;
    if (value === undefined || wabaId === undefined) continue;
    if (what === 'business_capability_update') {
      await learnDailyLimit(trx, wabaId, dailyLimitOf(value.max_daily_conversations_per_business));
      await reconsiderFor(trx, ['daily limit'], now);
      continue;
    }
    const name = value.message_template_name;
    const language = value.message_template_language;
    if (name === undefined || language === undefined) continue;
    const named = { name, language };
    const said = value.event?.toLowerCase();
    const category = value.new_category?.toLowerCase();
    await noteTemplate(trx, wabaId, named, {
      ...(what === 'message_template_status_update' && said !== undefined
        ? { status: statuses[said] ?? said }
        : {}),
      ...(what === 'template_category_update' && isCategory(category) ? { category } : {}),
      ...(value.new_quality_score === undefined ? {} : { quality: value.new_quality_score.toLowerCase() }),
    });
    await reconsiderTemplate(trx, name, now);
  }
}

/** Such as `TIER_2K`; null: without limit, or unreadable. */
function dailyLimitOf(said: string | undefined): number | null {
  const tier = /^(?:TIER_)?(\d+)(K?)$/i.exec(said ?? '');
  return tier === null ? null : Number(tier[1]) * (tier[2] === '' ? 1 : 1000);
}
