import { hash } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import type { Clock } from '../../clock.ts';
import { contactSources } from '../../crm/index.ts';
import { noSuch, Refusal, type WrongField } from '../../errors.ts';
import {
  decide,
  type Decision,
  fieldsAskedFor,
  type GateFacts,
  haltOf,
  isField,
  type SendReason,
} from '../../sending/index.ts';
import {
  type Actor,
  type AuditAction,
  channelsOfContact,
  channelSending,
  type ChannelSending,
  deleteLetterOfSend,
  insertSend,
  listTemplates,
  lockSends,
  readGates,
  saveSends,
  sendByClient,
  type SenderKind,
  type SendRow,
  standingChannels,
  type Store,
  toJson,
  type WorkspaceTransaction,
  writeAudit,
} from '../../store/index.ts';
import { ownMediumOf, type RequestedContent } from '../../whatsapp/index.ts';
import { nobodyYet, priorityOf } from './claim.ts';
import { readFacts } from './facts.ts';
import { withHalt } from './halts.ts';

/** A message somebody wants to leave. */
interface SendRequest {
  /** Of whoever asks: the same id is the same message, however often it is asked for. */
  readonly clientId: string;
  readonly to: { readonly contactId: string } | { readonly phone: string };
  /** Undefined: the one they last wrote on, or the only one there is. */
  readonly channelId?: string | undefined;
  readonly content: RequestedContent;
  /** Milliseconds: later it does not leave. Undefined: a day from now, three of a template. */
  readonly expiresAt?: number | undefined;
}

interface SentBy {
  readonly kind: SenderKind;
  readonly id: string;
}

/** What would become of a message now. */
interface Preview {
  readonly channelId: string;
  readonly decision: Exclude<Decision, { outcome: 'sync' }> | { readonly outcome: 'unknown template' };
  /** The service window, and that of who came from an ad; milliseconds, null: there is none. */
  readonly windowClosesAt: number | null;
  readonly freeEntryUntil: number | null;
}

/** Messages as members ask for them. Throws a `Refusal`: `no_such_contact`, `no_such_channel`, `no_such_send`, `which_channel`. */
export interface Sends {
  /**
   * The send, and whether it is new. Refused at once, as `Refusal` (conflict) with the reason as its code, is what could not
   * leave as things stand; `other_content` where the client id stands for another message.
   */
  ask(
    workspaceId: string,
    sender: SentBy,
    request: SendRequest,
  ): Promise<{ readonly send: SendRow; readonly isNew: boolean }>;
  preview(workspaceId: string, request: Omit<SendRequest, 'clientId' | 'expiresAt'>): Promise<Preview>;
  /** A new attempt of what failed or was refused, behind the whole gate. `not_ended`: it has not. */
  retry(actor: Actor, sendId: string): Promise<SendRow>;
  /** Takes back what waits. `under_way`: it does not wait any more. */
  cancel(actor: Actor, sendId: string): Promise<SendRow>;
}

type Waiting = Extract<Decision, { outcome: 'held' | 'queued' | 'refused' }>;

const dayMs = 24 * 60 * 60 * 1000;
/** How long a template may wait: where WhatsApp limits marketing it is tried once more after a day. */
const templateMs = 3 * dayMs;

export function createSends({ store, clock }: { store: Store; clock: Clock }): Sends {
  /** In one transaction with its line in the audit. */
  const change = (
    { workspaceId, memberId }: Actor,
    sendId: string,
    action: AuditAction,
    to: (trx: WorkspaceTransaction, send: SendRow) => Promise<SendRow>,
  ): Promise<SendRow> =>
    store.transact(workspaceId, async (trx) => {
      const [send] = await lockSends(trx, [sendId]);
      if (send === undefined) throw noSuch('send');
      const changed = await to(trx, send);
      await saveSends(trx, [changed]);
      await writeAudit(trx, { memberId, action, subject: sendId, at: clock.now() });
      return changed;
    });

  return {
    async ask(workspaceId, sender, request) {
      mustKnowFields(request.content);
      return store.transact(workspaceId, async (trx) => {
        const now = clock.now();
        const requestHash = hashOf(request);
        const known = await sendByClient(trx, request.clientId);
        if (known !== undefined) return { send: sameOr(known, requestHash), isNew: false };
        const channel = await channelFor(trx, request);
        const draft = draftOf(request, sender, channel.channelId, requestHash, now);
        const { decision } = await decisionOn(trx, channel, draft, now);
        if (decision.outcome === 'refused' && !keptWhereItIs.has(decision.reason)) {
          throw await refusal(trx, decision, channel);
        }
        const waits = decision.outcome === 'held' || decision.outcome === 'queued';
        const { send, inserted } = await insertSend(trx, {
          ...draft,
          ...(waits
            ? {
                state: decision.outcome,
                reason: decision.reason,
                explanation: decision.explanation,
                dueAt: decision.dueAt,
              }
            : {}),
          ...('category' in decision
            ? { category: decision.category, priority: priorityOf(decision.category) }
            : {}),
        });
        if (inserted && sender.kind === 'member') {
          await writeAudit(trx, {
            memberId: sender.id,
            action: 'send message',
            subject: send.sendId,
            at: now,
          });
        }
        return { send: withHalt(sameOr(send, requestHash), channel), isNew: inserted };
      });
    },
    async preview(workspaceId, request) {
      mustKnowFields(request.content);
      return store.transact(workspaceId, async (trx) => {
        const now = clock.now();
        const channel = await channelFor(trx, request);
        const asked = { ...request, clientId: '' };
        const draft = draftOf(asked, { kind: 'member', id: '' }, channel.channelId, Buffer.alloc(0), now);
        const { decision, person } = await decisionOn(trx, channel, draft, now);
        const { windowClosesAt, freeEntryUntil } = person;
        const { channelId } = channel;
        return {
          channelId,
          decision: decision.outcome === 'sync' ? { outcome: 'unknown template' } : halted(decision, channel),
          windowClosesAt,
          freeEntryUntil,
        };
      });
    },
    retry: (actor, sendId) =>
      change(actor, sendId, 'retry send', async (trx, send) => {
        if (send.state !== 'failed' && send.state !== 'refused') {
          throw new Refusal(
            'conflict',
            'not_ended',
            'Only what failed or was refused is tried again: this may still arrive, or has.',
          );
        }
        await deleteLetterOfSend(trx, sendId);
        return triedAnew(send, clock.now());
      }),
    cancel: (actor, sendId) =>
      change(actor, sendId, 'cancel send', (_trx, send) => {
        if (send.state !== 'held' && send.state !== 'queued') {
          throw new Refusal(
            'conflict',
            'under_way',
            'It does not wait any more, so it cannot be taken back.',
          );
        }
        return Promise.resolve({
          ...send,
          state: 'refused' as const,
          reason: 'taken back',
          explanation: 'A member took it back before it left.',
          dueAt: null,
          changedAt: clock.now(),
        });
      }),
  };
}

/** It goes through the whole gate once more. */
function triedAnew(send: SendRow, now: number): SendRow {
  return {
    ...send,
    state: 'queued',
    reason: null,
    explanation: null,
    errorCode: null,
    cappedAt: null,
    mediumRenewed: false,
    triedAt: null,
    wamid: null,
    priority: priorityOf(send.category),
    expiresAt: Math.max(send.expiresAt, now + dayMs),
    dueAt: now,
    changedAt: now,
  };
}

/** The same of several that ended, as dead letters tell; what has not is left as it is. */
export async function trySendsAnew(
  trx: WorkspaceTransaction,
  sendIds: readonly string[],
  now: number,
): Promise<void> {
  const ended = (await lockSends(trx, sendIds)).filter(
    ({ state }) => state === 'failed' || state === 'refused',
  );
  await saveSends(
    trx,
    ended.map((send) => triedAnew(send, now)),
  );
}

/** Refused because of the number's mode: asked for all the same, to be seen. */
const keptWhereItIs: ReadonlySet<SendReason> = new Set(['shadow', 'not listed']);

function mustKnowFields(content: RequestedContent): void {
  const unknown = fieldsAskedFor(content).filter((field) => !isField(field));
  if (unknown.length === 0) return;
  const known = `there are ${contactSources.join(', ')}`;
  const fields: WrongField[] = unknown.map((field) => ({
    path: 'content.template',
    message: `there is no field “${field}” of a person: ${known}`,
  }));
  const names = unknown.map((field) => `“${field}”`).join(', ');
  throw new Refusal(
    'invalid',
    'bad_request',
    `A value names a field nobody has, ${names}: ${known}.`,
    fields,
  );
}

function hashOf({ to, channelId, content, expiresAt }: SendRequest): Buffer {
  return hash('sha256', JSON.stringify([to, channelId ?? null, content, expiresAt ?? null]), 'buffer');
}

function sameOr(send: SendRow, requestHash: Buffer): SendRow {
  if (send.requestHash.equals(requestHash)) return send;
  throw new Refusal(
    'conflict',
    'other_content',
    'Another message was asked for under this clientId. Give each message one of its own.',
  );
}

async function channelFor(
  trx: WorkspaceTransaction,
  { to, channelId }: Pick<SendRequest, 'to' | 'channelId'>,
): Promise<ChannelSending> {
  const standing =
    'contactId' in to ? await channelsOfContact(trx, to.contactId) : await standingChannels(trx);
  if (standing === undefined) throw noSuch('contact');
  const [first, ...others] = channelId === undefined ? standing : [channelId];
  if (first === undefined) throw new Refusal('conflict', 'no_channel', 'No WhatsApp number is connected.');
  if (channelId === undefined && !('contactId' in to) && others.length > 0) {
    throw new Refusal(
      'invalid',
      'which_channel',
      'Several numbers are connected: say by channelId which is to send.',
    );
  }
  const channel = await channelSending(trx, first);
  if (channel === undefined) throw noSuch('channel');
  return channel;
}

function draftOf(
  { clientId, to, content, expiresAt }: SendRequest,
  sender: SentBy,
  channelId: string,
  requestHash: Buffer,
  now: number,
): SendRow {
  const template = content.type === 'template' ? content.template : undefined;
  const category = template === undefined ? 'service' : 'marketing';
  return {
    sendId: uuidv7(),
    clientId,
    requestHash,
    channelId,
    contactId: 'contactId' in to ? to.contactId : null,
    phone: 'phone' in to ? to.phone : null,
    bsuidKey: null,
    senderKind: sender.kind,
    sender: sender.id,
    category,
    templateName: template?.name ?? null,
    templateLanguage: template?.language ?? null,
    mediaId: ownMediumOf(content)?.mediaId ?? null,
    content: toJson(content),
    leaves: null,
    shown: null,
    state: 'queued',
    reason: null,
    explanation: null,
    errorCode: null,
    priority: priorityOf(category),
    attempts: 0,
    cappedAt: null,
    asMarketing: false,
    mediumRenewed: false,
    askedAt: now,
    triedAt: null,
    expiresAt: expiresAt ?? now + (template === undefined ? dayMs : templateMs),
    dueAt: now,
    lease: null,
    wamid: null,
    changedAt: now,
  };
}

async function decisionOn(
  trx: WorkspaceTransaction,
  channel: ChannelSending,
  send: SendRow,
  now: number,
): Promise<{ readonly decision: Decision; readonly person: GateFacts['person'] }> {
  const { asking, settings, gates, dailyLeft } = await readFacts(trx, channel, [send], now, readGates);
  const [one] = asking;
  if (one === undefined) throw new Error('A send has no facts.');
  const decision = decide(one.asked, {
    now,
    channel,
    settings,
    person: one.person,
    gate: gates.get(one.address ?? '') ?? nobodyYet,
    template: one.template,
    medium: one.medium,
    sentSomethingElse: one.sentSomethingElse,
    dailyLeft,
  });
  return { decision, person: one.person };
}

/** What would leave, were its number not halted. */
function halted<Other extends Decision>(decision: Other, channel: ChannelSending): Other | Waiting {
  const halt = haltOf(channel);
  if (decision.outcome !== 'go' || halt === undefined) return decision;
  const { leaves, shown, category } = decision;
  return { outcome: 'queued', ...halt, category, dueAt: null, would: { leaves, shown } };
}

const mostNamed = 10;

/** Why it cannot leave; where only a template would, which there are. */
async function refusal(
  trx: WorkspaceTransaction,
  { reason, explanation }: Waiting,
  { wabaId }: ChannelSending,
): Promise<Refusal> {
  const code = reason.toLowerCase().replaceAll(' ', '_');
  if (reason !== 'window closed') return new Refusal('conflict', code, explanation);
  const fitting = (await listTemplates(trx))
    .filter((one) => one.wabaId === wabaId && one.status === 'approved' && one.category !== 'authentication')
    // Marketing may lack their consent.
    .toSorted((x, y) => Number(x.category === 'marketing') - Number(y.category === 'marketing'))
    .slice(0, mostNamed)
    .map(({ name, language }) => `${name} (${language})`);
  const which =
    fitting.length === 0 ? 'The account has none that is approved.' : `Such as ${fitting.join(', ')}.`;
  return new Refusal('conflict', code, `${explanation} ${which}`);
}
