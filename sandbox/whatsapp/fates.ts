import type { SandboxClock } from '../clock.ts';
import type { Conversations, SentFacts, StoredMessage } from './conversations.ts';
import type { Delivery } from './delivery.ts';
import { type Refusal, statusError } from './graph-errors.ts';
import type { WhatsappRules } from './rules.ts';
import { statusItem } from './status.ts';

export const heldOutcomes = ['released', 'dropped'] as const;
type HeldOutcome = (typeof heldOutcomes)[number];

/** A message of the business that was taken in. */
export type AcceptedMessage = StoredMessage & { readonly sent: SentFacts };

/** What becomes of messages that were taken in, told by statuses. */
export interface Fates {
  deliver(message: AcceptedMessage): void;
  fail(message: AcceptedMessage, refusal: Refusal): void;
  /** Paced: held until Meta lets it go or drops it. docs/vendors/whatsapp.md §3.4. */
  hold(message: AcceptedMessage): void;
  held(): string[];
  /** Whether it was held. */
  settle(wamid: string, outcome: HeldOutcome): boolean;
}

export function createFates(options: {
  clock: SandboxClock;
  rules: () => WhatsappRules;
  conversations: Conversations;
  delivery: Pick<Delivery, 'queue'>;
}): Fates {
  const { clock, rules, conversations, delivery } = options;
  const held = new Map<string, AcceptedMessage>();

  const tell = (
    message: AcceptedMessage,
    status: 'sent' | 'delivered' | 'read' | 'failed',
    more: object = {},
  ): void => {
    const { wamid, phone, userId, sent } = message;
    const { to: sentTo, ...repeated } = sent;
    conversations.setStatus(wamid, status);
    const to = { ...conversations.people.find({ phone, userId }), ...(phone === undefined ? {} : { phone }) };
    delivery.queue(statusItem({ wamid, status, at: clock.now(), to, sentTo, ...repeated, ...more }));
  };

  const deliver = (message: AcceptedMessage): void => {
    const { autoStatuses } = rules();
    const ladder = ['sent', 'delivered', 'read'] as const;
    const reached = autoStatuses === 'none' ? 0 : ladder.indexOf(autoStatuses) + 1;
    for (const status of ladder.slice(0, reached)) tell(message, status);
  };

  const fail = (message: AcceptedMessage, refusal: Refusal): void => {
    const echoed = rules().echoesOpaqueOnFailed ? {} : { opaque: undefined };
    tell(message, 'failed', { ...echoed, errors: [statusError(refusal)] });
  };

  return {
    deliver,
    fail,
    hold: (message) => void held.set(message.wamid, message),
    held: () => [...held.keys()],
    settle(wamid, outcome) {
      const message = held.get(wamid);
      if (message === undefined) return false;
      held.delete(wamid);
      if (outcome === 'released') deliver(message);
      else if (rules().heldDropTold === 'failed')
        fail(message, { code: 132_015, details: 'The template was paused while the message was held.' });
      return true;
    },
  };
}
