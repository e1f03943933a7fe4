import type { Clock } from '../../clock.ts';
import { SangamError } from '../../errors.ts';
import {
  type ChannelSending,
  fromJson,
  lockSends,
  reconsiderTemplate,
  saveSends,
  saveTemplates,
  type SendRow,
  type Store,
  templatesNamed,
  type WorkspaceTransaction,
} from '../../store/index.ts';
import { type OutboundContent, type Provider, sendErrorOf, templateProblems } from '../../whatsapp/index.ts';
import type { AskedTemplate } from './claim.ts';

/**
 * Asks for these templates anew; what waits with one of them is decided again. It counts as done after they were asked for, also
 * where another process's clock is ahead or this one's was put back: else it would be asked for again at once. Throws as the
 * provider does.
 */
export async function renewTemplates(
  store: Store,
  workspaceId: string,
  { wabaId }: ChannelSending,
  provider: Provider,
  named: readonly AskedTemplate[],
  clock: Clock,
): Promise<void> {
  for (const [name, some] of Map.groupBy(named, (one) => one.name)) {
    const templates = await provider.templates(name);
    const now = clock.now();
    await store.transact(workspaceId, async (trx) => {
      await saveTemplates(
        trx,
        wabaId,
        templates.filter((template) => template.name === name),
        some,
        Math.max(now, ...some.map(({ askedAt }) => askedAt)),
      );
      await reconsiderTemplate(trx, name, now);
    });
  }
}

/**
 * WhatsApp refused these for their template: what we know of it is renewed, and the refusal names what does not fit. That it
 * cannot be asked for takes nothing from the refusal.
 */
export async function nameProblems(
  store: Store,
  workspaceId: string,
  channel: ChannelSending,
  provider: Provider,
  sendIds: readonly string[],
  clock: Clock,
): Promise<void> {
  const isForTemplate = ({ errorCode, templateName }: SendRow): boolean =>
    templateName !== null && errorCode !== null && sendErrorOf(errorCode).action === 'sync template';
  const refused = (await store.transact(workspaceId, (trx) => lockSends(trx, sendIds))).filter(isForTemplate);
  if (refused.length === 0) return;
  const named = refused.map(({ templateName, templateLanguage, askedAt }) => ({
    name: templateName ?? '',
    language: templateLanguage ?? '',
    askedAt,
  }));
  try {
    await renewTemplates(store, workspaceId, channel, provider, named, clock);
  } catch (error) {
    if (error instanceof SangamError) return;
    throw error;
  }
  await store.transact(workspaceId, async (trx) => {
    const rows = (
      await lockSends(
        trx,
        refused.map(({ sendId }) => sendId),
      )
    ).filter(isForTemplate);
    const explained = await withProblems(trx, channel, rows);
    await saveSends(trx, explained);
  });
}

async function withProblems(
  trx: WorkspaceTransaction,
  { wabaId }: ChannelSending,
  rows: readonly SendRow[],
): Promise<SendRow[]> {
  const known = await templatesNamed(trx, wabaId, [
    ...new Set(rows.flatMap(({ templateName }) => templateName ?? [])),
  ]);
  return rows.flatMap((row) => {
    const template = known.find(
      ({ name, language }) => name === row.templateName && language === row.templateLanguage,
    )?.template;
    const content = row.leaves === null ? undefined : (fromJson(row.leaves) as OutboundContent);
    if (content?.type !== 'template') return [];
    const said = row.explanation ?? '';
    if (template === null || template === undefined) {
      return [{ ...row, explanation: `${said} The account has no such template any more.`.trim() }];
    }
    const problems = templateProblems(template, content.template);
    if (problems.length === 0) return [];
    const list = problems.map(({ path, message }) => `${path}: ${message}`).join('; ');
    return [{ ...row, explanation: `${said} As the template is now: ${list}.`.trim() }];
  });
}
