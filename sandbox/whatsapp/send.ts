import type { SandboxClock } from '../clock.ts';
import { type Answer, ok } from '../http.ts';
import { type Case, type Cases, faultOf } from './cases.ts';
import { contentJudgement } from './contents.ts';
import type { Conversations, SentFacts } from './conversations.ts';
import type { AcceptedMessage, Fates } from './fates.ts';
import { badParameter, graphError } from './graph-errors.ts';
import { newWamid } from './ids.ts';
import { type Judgement, refused } from './judgement.ts';
import type { Media } from './media.ts';
import { createObstacles } from './obstacles.ts';
import type { Person } from './people.ts';
import { pricingOf } from './pricing.ts';
import type { WhatsappRules } from './rules.ts';
import { readSendBody, type ReceiptBody, type SendBody } from './send-body.ts';
import type { SendingLimits } from './sending-limits.ts';
import { templateJudgement } from './template-judgement.ts';
import { buttonsOf, type Template } from './template.ts';
import type { Templates } from './templates.ts';

export type Endpoint = 'messages' | 'marketing_messages';

/** A send that is read and has not happened yet. */
export interface PreparedSend {
  readonly template: Template | undefined;
  /** What its caller meets instead of an answer. */
  readonly fault: ReturnType<typeof faultOf>;
  /** `accepted` hears of the message that is taken in. */
  run(accepted: (wamid: string) => void): Answer;
}

/** docs/vendors/whatsapp.md §3.2. */
const typingMs = 25_000;

/** `POST /{phone number id}/messages`: judged, accepted, its fate told by webhook. docs/vendors/whatsapp.md §3.1. */
export function createSender(options: {
  displayPhoneNumber: string;
  clock: SandboxClock;
  rules: () => WhatsappRules;
  conversations: Conversations;
  templates: Templates;
  media: Media;
  limits: SendingLimits;
  cases: Cases;
  fates: Fates;
}): (text: string, endpoint: Endpoint) => PreparedSend {
  const { clock, rules, conversations, templates, limits, fates } = options;
  const ownPhone = options.displayPhoneNumber.replace(/\D/g, '');
  const obstacleTo = createObstacles(options);

  const receive = ({ messageId, types }: ReceiptBody): Answer => {
    const message = conversations.get(messageId);
    if (message?.direction !== 'in') return badParameter('message_id is unknown');
    conversations.setStatus(messageId, 'read');
    if (types) conversations.showTyping(message, clock.now() + typingMs);
    return ok({ success: true });
  };

  const judge = ({ type, content, replyTo }: SendBody, endpoint: Endpoint): Judgement => {
    if (endpoint === 'marketing_messages' && type !== 'template')
      return refused(100, 'The Marketing Messages API sends templates only');
    const judgement =
      type === 'template'
        ? templateJudgement(content, templates, rules())
        : contentJudgement(type, content, rules());
    if ('refused' in judgement) return judgement;
    const { shown } = judgement;
    if (endpoint === 'marketing_messages' && shown.template?.category !== 'MARKETING')
      return refused(100, 'The Marketing Messages API sends marketing templates only');
    if (shown.reaction !== undefined && conversations.get(shown.reaction.to) === undefined)
      return refused(131_009, `reaction.message_id: there is no message ${shown.reaction.to}`);
    if (replyTo === undefined) return judgement;
    if (conversations.get(replyTo) !== undefined) return { ...judgement, shown: { ...shown, replyTo } };
    return rules().unknownContext === 'ignored'
      ? judgement
      : refused(131_009, `context.message_id: there is no message ${replyTo}`);
  };

  /** What one's statuses will repeat. */
  const factsOf = (
    { asked, opaque }: SendBody,
    endpoint: Endpoint,
    to: Person,
    template: Template | undefined,
    at: number,
  ): SentFacts => {
    const freeUntil = conversations.freeEntryUntil(to, at);
    const pricing = pricingOf({
      category: template?.category,
      endpoint,
      isFreeEntry: freeUntil !== undefined,
      serviceMessages: conversations.serviceMessages(at),
      freeServiceMessages: rules().freeServiceMessages,
    });
    return {
      to: asked.phone === undefined ? 'userId' : 'phone',
      opaque,
      pricing,
      // docs/vendors/whatsapp.md §1.7: gone since v24 but for free entry points.
      conversation:
        freeUntil === undefined
          ? undefined
          : {
              id: `${to.phone ?? to.userId ?? ''}${String(freeUntil)}`.replace(/\W/g, ''),
              expiration_timestamp: String(Math.floor(freeUntil / 1000)),
              origin: { type: 'referral_conversion' },
            },
    };
  };

  /** Without a payment method what costs is silently not delivered. docs/vendors/whatsapp.md §3.6. */
  const isPaidFor = ({ pricing }: SentFacts): boolean =>
    rules().paymentMethod || pricing?.category !== 'service' || pricing.type !== 'regular';

  const accept = (
    message: SendBody,
    template: Template | undefined,
    endpoint: Endpoint,
    hit: Case | undefined,
    accepted: (wamid: string) => void,
  ): Answer => {
    const throughput = limits.throughput();
    if (throughput !== undefined) return graphError(throughput);
    const judgement = judge(message, endpoint);
    if ('refused' in judgement) return graphError(judgement.refused);
    const { asked, type, input } = message;
    if (asked.phone === ownPhone) return graphError({ code: 131_021, details: 'Recipient is the sender.' });
    if (
      asked.phone === undefined &&
      template?.category === 'AUTHENTICATION' &&
      buttonsOf(template).length > 0
    )
      return graphError({ code: 131_062, details: 'This template wants a phone number.' });
    const to = conversations.see({ ...conversations.people.find(asked), ...asked });
    const pair = limits.pair(to.phone ?? to.userId ?? '');
    if (pair !== undefined) return graphError(pair);
    const { body, shown } = judgement;
    const obstacle = obstacleTo(to, shown);
    if (obstacle?.told === 'at once') return graphError(obstacle.refusal);

    const [wamid, at] = [newWamid(), clock.now()];
    const taken: AcceptedMessage = {
      wamid,
      direction: 'out',
      type,
      body,
      status: 'accepted',
      at,
      phone: to.phone,
      userId: to.userId,
      shown,
      sent: factsOf(message, endpoint, to, template, at),
    };
    conversations.record(taken);
    accepted(wamid);
    const isHeld = hit?.held === true && obstacle === undefined;
    if (obstacle !== undefined) fates.fail(taken, obstacle.refusal);
    else if (hit?.when === 'by status' && hit.code !== undefined) fates.fail(taken, { code: hit.code });
    else if (isHeld) fates.hold(taken);
    else if (hit?.when !== 'never' && isPaidFor(taken.sent)) fates.deliver(taken);
    const contact = asked.phone === undefined ? { user_id: asked.userId } : { wa_id: asked.phone };
    return ok({
      messaging_product: 'whatsapp',
      contacts: [{ input, ...contact }],
      messages: [{ id: wamid, ...messageStatus(type, isHeld) }],
    });
  };

  const templateOf = ({ content }: SendBody): Template | undefined => {
    const { name, language } = content as { name?: unknown; language?: { code?: unknown } };
    return templates.find(String(name), String(language?.code));
  };

  return (text, endpoint) => {
    const body = readSendBody(text);
    if (body.kind === 'refused') return { template: undefined, fault: undefined, run: () => body.answer };
    if (body.kind === 'receipt') return { template: undefined, fault: undefined, run: () => receive(body) };
    const template = body.type === 'template' ? templateOf(body) : undefined;
    const person = { ...conversations.people.find(body.asked), ...body.asked };
    const now = clock.now();
    const hit = options.cases.next({
      person,
      endpoint,
      template,
      isWindowOpen: conversations.isWindowOpen(person, now),
      isFreeEntry: conversations.freeEntryUntil(person, now) !== undefined,
    });
    return {
      template,
      fault: hit === undefined ? undefined : faultOf(hit),
      run: (accepted) => accept(body, template, endpoint, hit, accepted),
    };
  };
}

function messageStatus(type: string, isHeld: boolean): object {
  if (isHeld) return { message_status: 'held_for_quality_assessment' };
  return type === 'template' ? { message_status: 'accepted' } : {};
}
