import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import type { Clock } from '@sangam/core/clock';
import { noSuch } from '@sangam/core/errors';
import { freshMs, settingsOf } from '@sangam/core/pipeline';
import { sendingSettings } from '@sangam/core/sending';
import {
  type AuditAction,
  channelSending,
  type ChannelSending,
  listPauses,
  openChannel,
  paceOf,
  pause,
  reconsiderFor,
  resume,
  saveSendingSettings,
  setChannelSending,
  type Store,
  toJson,
  type WorkspaceTransaction,
  writeAudit,
} from '@sangam/core/store';
import { type Answer, type Route, route } from './api.ts';
import { bodyOf, idOf, phoneInput, queryOf } from './input.ts';
import { pageOfAll, wholeListQuery } from './paging.ts';
import { iso } from './times.ts';

const pauseBody = z.discriminatedUnion('scope', [
  z.strictObject({ scope: z.literal('workspace') }),
  z.strictObject({ scope: z.enum(['channel', 'rule']), subject: z.uuid() }),
]);
const channelBody = z.strictObject({
  mode: z.enum(['shadow', 'test', 'live']),
  testPhones: z.array(phoneInput).max(100).default([]),
  throughput: z.int().min(1).max(1_000).default(80),
});

/** Whether, when and how fast messages leave. */
export function sendingRoutes({ store, clock }: { store: Store; clock: Clock }): Route[] {
  const change = async (
    response: Answer,
    action: AuditAction,
    subject: string,
    work: (trx: WorkspaceTransaction, now: number) => Promise<void>,
  ): Promise<void> => {
    const { workspaceId, memberId } = response.locals.member;
    const at = clock.now();
    await store.transact(workspaceId, async (trx) => {
      await work(trx, at);
      await writeAudit(trx, { memberId, action, subject, at });
    });
  };
  const channelOf = async (trx: WorkspaceTransaction, channelId: string): Promise<ChannelSending> => {
    const channel = await channelSending(trx, channelId);
    if (channel === undefined) throw noSuch('channel');
    return channel;
  };
  return [
    route('GET', '/sending/settings', 'admin', async (_request, response) => {
      response.json(await store.transact(response.locals.member.workspaceId, settingsOf));
    }),
    route('PUT', '/sending/settings', 'admin', async (request, response) => {
      const settings = bodyOf(sendingSettings, request);
      await change(response, 'change sending settings', 'sending', async (trx, now) => {
        await saveSendingSettings(trx, toJson(settings));
        await reconsiderFor(trx, ['quiet hours'], now);
      });
      response.json(settings);
    }),
    route('GET', '/pauses', 'rep', async (request, response) => {
      const query = queryOf(wholeListQuery, request);
      const pauses = await store.transact(response.locals.member.workspaceId, listPauses);
      const views = pauses.map(({ pausedAt, ...one }) => ({ ...one, pausedAt: iso(pausedAt) }));
      response.json(pageOfAll(views, query));
    }),
    route('POST', '/pauses', 'admin', async (request, response) => {
      const body = bodyOf(pauseBody, request);
      const { scope } = body;
      const subject = 'subject' in body ? body.subject : '';
      await change(response, 'pause', `${scope} ${subject}`.trim(), async (trx, pausedAt) => {
        if (scope === 'channel') await channelOf(trx, subject);
        await pause(trx, { scope, subject, pausedAt, pausedBy: response.locals.member.memberId });
      });
      // Whoever was looked at before the pause is called by then, or looked at anew: nothing leaves after this answer.
      await wait(freshMs);
      response.status(204).end();
    }),
    route('POST', '/pauses/resume', 'admin', async (request, response) => {
      const body = bodyOf(pauseBody, request);
      const subject = 'subject' in body ? body.subject : '';
      await change(response, 'resume', `${body.scope} ${subject}`.trim(), (trx, now) =>
        resume(trx, { scope: body.scope, subject }, now),
      );
      response.status(204).end();
    }),
    route('GET', '/channels/:channelId/sending', 'admin', async (request, response) => {
      const channelId = idOf(request, 'channelId');
      const { workspaceId } = response.locals.member;
      const channel = await store.transact(workspaceId, (trx) => channelOf(trx, channelId));
      response.json({ ...viewOf(channel), pace: paceOf(channel, clock.now()) });
    }),
    route('PUT', '/channels/:channelId/sending', 'admin', async (request, response) => {
      const channelId = idOf(request, 'channelId');
      const body = bodyOf(channelBody, request);
      await change(response, 'set mode', channelId, async (trx, now) => {
        await channelOf(trx, channelId);
        await setChannelSending(trx, channelId, body);
        trx.due.add('sends', channelId, now);
      });
      // As after a pause.
      if (body.mode !== 'live') await wait(freshMs);
      response.status(204).end();
    }),
    route('POST', '/channels/:channelId/continue', 'admin', async (request, response) => {
      const channelId = idOf(request, 'channelId');
      await change(response, 'continue channel', channelId, async (trx, now) => {
        await channelOf(trx, channelId);
        await openChannel(trx, channelId, now);
      });
      response.status(204).end();
    }),
  ];
}

function viewOf(channel: ChannelSending): object {
  const {
    channelId,
    mode,
    testPhones,
    throughput,
    dailyLimit,
    paused,
    blockedReason,
    marketingBlockedReason,
  } = channel;
  return {
    channelId,
    mode,
    testPhones,
    throughput,
    dailyLimit,
    paused,
    blockedReason,
    marketingBlockedReason,
  };
}
