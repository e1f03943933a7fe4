import { sql } from 'kysely';
import type { Template, TemplateCategory } from '../../whatsapp/index.ts';
import { fromJson, toJson } from '../json.ts';
import type { WorkspaceTransaction } from '../transaction.ts';

/** Message templates of accounts, as they were last seen. Times in milliseconds. */

export interface KnownTemplate {
  readonly wabaId: string;
  readonly name: string;
  readonly language: string;
  readonly category: TemplateCategory;
  /** As the provider says it, in lower case; `missing`: it was looked for, and is not there. */
  readonly status: string;
  readonly quality: string;
  /** Null: it is missing. */
  readonly template: Template | null;
  readonly pausedUntil: number | null;
  /** Something was told of it since: it is asked for before it is used. */
  readonly stale: boolean;
  readonly syncedAt: number;
}

interface TemplateRow extends Omit<KnownTemplate, 'template'> {
  readonly definition: Buffer;
}

const columns = sql.raw(
  `waba_id as "wabaId", name, language, category, status, quality, definition, paused_until as "pausedUntil",
   stale, synced_at as "syncedAt"`,
);

/** What was written of it, with what is told of it since. */
function knownOf({ definition, ...row }: TemplateRow): KnownTemplate {
  const template = fromJson(definition) as Template | null;
  const { category, status, quality } = row;
  return { ...row, template: template === null ? null : { ...template, category, status, quality } };
}

export async function templatesNamed(
  trx: WorkspaceTransaction,
  wabaId: string,
  names: readonly string[],
): Promise<KnownTemplate[]> {
  if (names.length === 0) return [];
  const { rows } = await sql<TemplateRow>`
    select ${columns} from templates
    where workspace_id = ${trx.workspaceId} and waba_id = ${wabaId} and name = any(${[...names]}::text[])`.execute(
    trx,
  );
  return rows.map(knownOf);
}

export async function listTemplates(trx: WorkspaceTransaction): Promise<KnownTemplate[]> {
  const { rows } = await sql<TemplateRow>`
    select ${columns} from templates
    where workspace_id = ${trx.workspaceId} and status <> 'missing' order by name, language, waba_id`.execute(
    trx,
  );
  return rows.map(knownOf);
}

/**
 * What an account has: all of it, or all of the named. What of that is here and is not there any more is missing from now
 * on, as is a name of which there is none.
 */
export async function saveTemplates(
  trx: WorkspaceTransaction,
  wabaId: string,
  templates: readonly Template[],
  names: readonly { readonly name: string; readonly language: string }[] | undefined,
  now: number,
): Promise<void> {
  const isThere = new Set(templates.map(({ name, language }) => `${name} ${language}`));
  const { rows: known } = await sql<{ name: string; language: string }>`
    select name, language from templates where workspace_id = ${trx.workspaceId} and waba_id = ${wabaId}
      ${names === undefined ? sql`` : sql`and name = any(${names.map(({ name }) => name)}::text[])`}`.execute(
    trx,
  );
  const gone = [...known, ...(names ?? [])].filter(
    ({ name, language }) => !isThere.has(`${name} ${language}`),
  );
  const missing = new Map(gone.map((one) => [`${one.name} ${one.language}`, one]));
  const rows = [
    ...templates.map((template) => ({
      ...template,
      definition: toJson(template),
    })),
    ...[...missing.values()].map((one) => ({
      ...one,
      templateId: '',
      category: 'marketing',
      status: 'missing',
      quality: 'unknown',
      definition: toJson(null),
    })),
  ].toSorted((x, y) => (`${x.name} ${x.language}` < `${y.name} ${y.language}` ? -1 : 1));
  if (rows.length === 0) return;
  await sql`
    insert into templates as t (workspace_id, waba_id, name, language, template_id, category, status, quality, definition,
                                synced_at)
    select ${trx.workspaceId}::uuid, ${wabaId}, name, language, template_id, category, status, quality, definition, ${now}
    from unnest(${rows.map((r) => r.name)}::text[], ${rows.map((r) => r.language)}::text[],
                ${rows.map((r) => r.templateId)}::text[], ${rows.map((r) => r.category)}::text[],
                ${rows.map((r) => r.status)}::text[], ${rows.map((r) => r.quality)}::text[],
                ${rows.map((r) => r.definition)}::bytea[])
         as t (name, language, template_id, category, status, quality, definition)
    on conflict (workspace_id, waba_id, name, language) do update set
      template_id = excluded.template_id, category = excluded.category, status = excluded.status,
      quality = excluded.quality, definition = excluded.definition, stale = false, synced_at = excluded.synced_at,
      paused_until = case when excluded.status = 'paused' then t.paused_until end,
      pauses = case when excluded.status = 'approved' and t.status = 'missing' then 0 else t.pauses end`.execute(
    trx,
  );
}

/**
 * What WhatsApp tells of a template we know is shown, and asked for before it is used: news come late, twice and in any order.
 */
export async function noteTemplate(
  trx: WorkspaceTransaction,
  wabaId: string,
  { name, language }: { readonly name: string; readonly language: string },
  news: { readonly category?: TemplateCategory; readonly status?: string; readonly quality?: string },
): Promise<void> {
  await sql`
    update templates
    set category = coalesce(${news.category ?? null}, category), status = coalesce(${news.status ?? null}, status),
        quality = coalesce(${news.quality ?? null}, quality), stale = true,
        paused_until = case when ${news.status ?? null}::text is null then paused_until end
    where workspace_id = ${trx.workspaceId} and waba_id = ${wabaId} and name = ${name} and language = ${language}`.execute(
    trx,
  );
}

/** WhatsApp refused it as paused: until when it is left alone, longer the second time; returns that. */
export async function pauseTemplate(
  trx: WorkspaceTransaction,
  wabaId: string,
  { name, language }: { readonly name: string; readonly language: string },
  waits: readonly number[],
  now: number,
): Promise<number> {
  const { rows } = await sql<{ pausedUntil: number }>`
    update templates
    set status = 'paused',
        pauses = case when paused_until > ${now} then pauses else pauses + 1 end,
        paused_until = case when paused_until > ${now} then paused_until
                       else ${now}::bigint + (${[...waits]}::bigint[])[least(pauses + 1, ${waits.length})] end
    where workspace_id = ${trx.workspaceId} and waba_id = ${wabaId} and name = ${name} and language = ${language}
    returning paused_until as "pausedUntil"`.execute(trx);
  return rows[0]?.pausedUntil ?? now + (waits[0] ?? 0);
}
