import { z } from 'zod';
import { noSuch } from '@sangam/core/errors';
import { type Providers, type Sends, withHalts } from '@sangam/core/pipeline';
import {
  type AttemptRow,
  attemptsOf,
  listSends,
  sendById,
  type SendRow,
  sendStates,
  type Store,
} from '@sangam/core/store';
import { requestedContent } from '@sangam/core/whatsapp';
import { openChannel } from '../channels/providers.ts';
import { type Route, route } from './api.ts';
import { bodyOf, idOf, phoneInput, queryOf, time } from './input.ts';
import { listQuery, pageOf } from './paging.ts';
import { iso } from './times.ts';

const to = z.union([z.strictObject({ contactId: z.uuid() }), z.strictObject({ phone: phoneInput })]);
const message = { to, channelId: z.uuid().optional(), content: requestedContent };
const previewBody = z.strictObject(message);
const askBody = z.strictObject({
  clientId: z.string().trim().min(1).max(200),
  ...message,
  expiresAt: time.optional(),
});
const readBody = z.strictObject({
  channelId: z.uuid(),
  wamid: z.string().min(1).max(500),
  typing: z.boolean().default(false),
});
const listed = listQuery(z.uuid(), {
  state: z.enum(sendStates).optional(),
  contactId: z.uuid().optional(),
});

/** Messages that leave: asked for, looked at before, tried again, taken back. */
export function sendRoutes({
  store,
  sends,
  providers,
}: {
  store: Store;
  sends: Sends;
  providers: Providers;
}): Route[] {
  return [
    route('POST', '/sends', 'rep', async (request, response) => {
      const { workspaceId, memberId } = response.locals.member;
      const { send, isNew } = await sends.ask(
        workspaceId,
        { kind: 'member', id: memberId },
        bodyOf(askBody, request),
      );
      response.status(isNew ? 201 : 200).json(viewOf(send));
    }),
    route('POST', '/sends/preview', 'rep', async (request, response) => {
      const { workspaceId } = response.locals.member;
      const preview = await sends.preview(workspaceId, bodyOf(previewBody, request));
      const { channelId, decision } = preview;
      const would = decision.outcome === 'go' ? decision : 'would' in decision ? decision.would : undefined;
      response.json({
        channelId,
        outcome: decision.outcome,
        category: 'category' in decision ? decision.category : null,
        reason: 'reason' in decision ? decision.reason : null,
        explanation: 'explanation' in decision ? decision.explanation : unknownTemplate(decision.outcome),
        notBefore: iso('dueAt' in decision ? decision.dueAt : null),
        windowClosesAt: iso(preview.windowClosesAt),
        freeEntryUntil: iso(preview.freeEntryUntil),
        shown: would?.shown ?? null,
        leaves: would?.leaves ?? null,
      });
    }),
    route('POST', '/messages/read', 'rep', async (request, response) => {
      const { channelId, wamid, typing } = bodyOf(readBody, request);
      const { workspaceId } = response.locals.member;
      const { provider } = await openChannel({ store, providers }, workspaceId, channelId);
      await provider.markRead(wamid, typing);
      response.status(204).end();
    }),
    route('GET', '/sends', 'rep', async (request, response) => {
      const query = queryOf(listed, request);
      const { state, contactId } = query;
      const { workspaceId } = response.locals.member;
      const answer = await pageOf(query, {
        rows: (page) =>
          store.transact(workspaceId, async (trx) =>
            withHalts(trx, await listSends(trx, { ...page, state, contactId })),
          ),
        keyOf: ({ sendId }) => sendId,
        viewOf,
      });
      response.json(answer);
    }),
    route('GET', '/sends/:sendId', 'rep', async (request, response) => {
      const sendId = idOf(request, 'sendId');
      const { workspaceId } = response.locals.member;
      const found = await store.transact(workspaceId, async (trx) => {
        const known = await sendById(trx, sendId);
        const [send] = await withHalts(trx, known === undefined ? [] : [known]);
        return send === undefined ? undefined : { send, attempts: await attemptsOf(trx, [sendId]) };
      });
      if (found === undefined) throw noSuch('send');
      response.json({ ...viewOf(found.send), attempts: found.attempts.map(attemptView) });
    }),
    ...(['retry', 'cancel'] as const).map((act) =>
      route('POST', `/sends/:sendId/${act}`, 'rep', async (request, response) => {
        const sendId = idOf(request, 'sendId');
        const send = await sends[act](response.locals.member, sendId);
        response.json(viewOf(send));
      }),
    ),
  ];
}

/** What a preview says of a template nobody has looked for; asking for the message looks for it. */
function unknownTemplate(outcome: 'go' | 'unknown template'): string | null {
  return outcome === 'go'
    ? null
    : 'This template is not known here, or something was told of it since: ask WhatsApp for the account’s templates first ' +
        '(POST /api/v1/templates/sync).';
}

function viewOf(send: SendRow): object {
  return {
    sendId: send.sendId,
    clientId: send.clientId,
    state: send.state,
    reason: send.reason,
    explanation: send.explanation,
    errorCode: send.errorCode,
    category: send.category,
    channelId: send.channelId,
    contactId: send.contactId,
    phone: send.phone,
    sender: { kind: send.senderKind, id: send.sender },
    template:
      send.templateName === null ? null : { name: send.templateName, language: send.templateLanguage },
    shown: send.shown,
    wamid: send.wamid,
    tries: send.attempts,
    askedAt: iso(send.askedAt),
    notBefore: iso(send.state === 'held' || send.state === 'queued' ? send.dueAt : null),
    expiresAt: iso(send.expiresAt),
    changedAt: iso(send.changedAt),
  };
}

function attemptView({
  attemptId,
  number,
  beganAt,
  endedAt,
  outcome,
  errorCode,
  details,
  wamid,
}: AttemptRow): object {
  return {
    attemptId,
    number,
    beganAt: iso(beganAt),
    endedAt: iso(endedAt),
    outcome,
    errorCode,
    details,
    wamid,
  };
}
