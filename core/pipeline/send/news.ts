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
const limit = z.union([z.string(), z.number()]).optional().catch(undefined);

const valueSchema = z.looseObject({
  event: text,
  message_template_name: text,
  message_template_language: text,
  new_quality_score: text,
  new_category: text,
  max_daily_conversations_per_business: limit,
  /** Until February 2026 in the other's place. */
  max_daily_conversation_per_phone: limit,
});

/** Fields that tell of the day's limit. */
const ofLimits: ReadonlySet<string> = new Set(['business_capability_update', 'phone_number_quality_update']);

/** Fields that tell of a template. */
const ofTemplates: ReadonlySet<string> = new Set([
  'message_template_status_update',
  'message_template_quality_update',
  'message_template_components_update',
  'template_category_update',
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
  const news = kept
    .filter(({ what }) => ofTemplates.has(what) || ofLimits.has(what))
    .toSorted((x, y) => x.at - y.at);
  for (const { row, what } of news) {
    const slice = JSON.parse(row.payload.toString('utf8')) as WebhookSlice;
    const value = valueSchema.safeParse(slice.item).data;
    const { wabaId } = slice;
    if (value === undefined || wabaId === undefined) continue;
    if (ofLimits.has(what)) {
      const said = value.max_daily_conversations_per_business ?? value.max_daily_conversation_per_phone;
      const most = dailyLimitOf(said);
      if (most === undefined) continue;
      await learnDailyLimit(trx, wabaId, most);
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

/** Such as `TIER_2K`; null: without limit, undefined: it does not say. */
function dailyLimitOf(said: string | number | undefined): number | null | undefined {
  const word = String(said);
  if (word === '-1' || word === 'TIER_UNLIMITED') return null;
  const [, digits, thousands] = /^(?:TIER_)?(\d+)(K?)$/i.exec(word) ?? [];
  return digits === undefined ? undefined : Number(digits) * (thousands === '' ? 1 : 1000);
}
