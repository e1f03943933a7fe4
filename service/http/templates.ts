import { z } from 'zod';
import type { Clock } from '@sangam/core/clock';
import { noSuch } from '@sangam/core/errors';
import type { Providers } from '@sangam/core/pipeline';
import {
  dueSends,
  reconsiderFor,
  type KnownTemplate,
  listTemplates,
  saveTemplates,
  type Store,
  writeAudit,
} from '@sangam/core/store';
import { starterTemplates } from '@sangam/core/whatsapp';
import { openChannel } from '../channels/providers.ts';
import { type Route, route } from './api.ts';
import { bodyOf, queryOf } from './input.ts';
import { pageOfAll, wholeListQuery } from './paging.ts';
import { iso } from './times.ts';

const channelBody = z.strictObject({ channelId: z.uuid() });
const submitBody = z.strictObject({
  channelId: z.uuid(),
  name: z.string().max(512),
  language: z.string().max(15),
});

/** Message templates: as they are at WhatsApp, and a set to begin with. */
export function templateRoutes({
  store,
  providers,
  clock,
}: {
  store: Store;
  providers: Providers;
  clock: Clock;
}): Route[] {
  return [
    route('GET', '/templates', 'rep', async (request, response) => {
      const query = queryOf(wholeListQuery, request);
      const { workspaceId } = response.locals.member;
      response.json(pageOfAll((await store.transact(workspaceId, listTemplates)).map(viewOf), query));
    }),
    route('POST', '/templates/sync', 'rep', async (request, response) => {
      const { channelId } = bodyOf(channelBody, request);
      const { workspaceId, memberId } = response.locals.member;
      const { channel, provider } = await openChannel({ store, providers }, workspaceId, channelId);
      const templates = await provider.templates();
      const now = clock.now();
      await store.transact(workspaceId, async (trx) => {
        await saveTemplates(trx, channel.wabaId, templates, undefined, now);
        await reconsiderFor(trx, ['template in review', 'template paused'], now);
        await dueSends(trx, now);
        await writeAudit(trx, { memberId, action: 'sync templates', subject: channelId, at: now });
      });
      response.json({ templates: templates.length });
    }),
    route('GET', '/templates/starters', 'rep', (request, response) => {
      const query = queryOf(wholeListQuery, request);
      response.json(pageOfAll(starterTemplates, query));
      return Promise.resolve();
    }),
    route('POST', '/templates/starters', 'admin', async (request, response) => {
      const { channelId, name, language } = bodyOf(submitBody, request);
      const draft = starterTemplates.find((one) => one.name === name && one.language === language);
      if (draft === undefined) throw noSuch('starter template');
      const { workspaceId, memberId } = response.locals.member;
      const { provider } = await openChannel({ store, providers }, workspaceId, channelId);
      // First: what cannot be written down is not asked of WhatsApp.
      await store.transact(workspaceId, (trx) =>
        writeAudit(trx, {
          memberId,
          action: 'submit template',
          subject: `${name} ${language}`,
          at: clock.now(),
        }),
      );
      const submitted = await provider.submitTemplate(draft);
      response.status(201).json(submitted);
    }),
  ];
}

function viewOf({ wabaId, template, syncedAt, pausedUntil, ...known }: KnownTemplate): object {
  return {
    ...known,
    wabaId,
    parameterFormat: template?.parameterFormat ?? null,
    header: template?.header ?? null,
    body: template?.body ?? null,
    footer: template?.footer ?? null,
    buttons: template?.buttons ?? [],
    pausedUntil: iso(pausedUntil),
    syncedAt: iso(syncedAt),
  };
}
