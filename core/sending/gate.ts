import type { ConsentState } from '../consent/index.ts';
import type { ContactFields } from '../crm/index.ts';
import {
  type OutboundContent,
  type RequestedContent,
  type Template,
  type TemplateCategory,
  templateProblems,
  templateText,
} from '../whatsapp/index.ts';
import { quietUntil, zonesOf } from './quiet-hours.ts';
import type { SendingSettings } from './settings.ts';
import { resolved } from './values.ts';
import { textOfContent } from './words.ts';

/**
 * Whether a message may leave now, and what leaves: decided anew each time from how things stand, so that nothing that was so
 * when it was asked for has to be taken back. docs/design.md §3.5. Times in milliseconds.
 */

export type SendReason =
  | 'channel marketing stopped'
  | 'daily limit'
  | 'expired'
  | 'marketing cap'
  | 'no address'
  | 'no consent'
  | 'not listed'
  | 'not on WhatsApp'
  | 'opted out'
  | 'pair limit'
  | 'quiet hours'
  | 'rests'
  | 'shadow'
  | 'something else was sent'
  | 'stop under way'
  | 'template in review'
  | 'template not approved'
  | 'template paused'
  | 'template unknown'
  | 'values do not fit'
  | 'WhatsApp limits marketing'
  | 'window closed';

/** `service`: no template. */
export type Category = 'service' | TemplateCategory;

export interface AskedMessage {
  readonly content: RequestedContent;
  readonly expiresAt: number;
  /** When WhatsApp held it back to limit marketing; null: it did not. */
  readonly cappedAt: number | null;
}

export interface GateFacts {
  readonly now: number;
  readonly channel: {
    readonly mode: 'shadow' | 'test' | 'live';
    readonly testPhones: readonly string[];
    readonly marketingBlockedReason: string | null;
    readonly region: string;
  };
  readonly settings: SendingSettings;
  readonly person: {
    /** Canonical; goes before a BSUID. */
    readonly phone?: string | undefined;
    readonly bsuid?: string | undefined;
    readonly consent: ConsentState;
    /** A STOP of theirs came that the ledger does not know of yet. */
    readonly stopUnderWay: boolean;
    readonly lastInboundAt: number | null;
    readonly windowClosesAt: number | null;
    readonly fields: ContactFields | undefined;
    /** How many marketing messages they were sent in the days of the cap. */
    readonly marketingSent: number;
  };
  readonly gate: {
    readonly restUntil: number;
    readonly filledUntil: number;
    readonly unreachable: number;
    readonly unreachableAt: number | null;
    readonly windowDeniedAt: number | null;
    readonly outsideAt: number | null;
  };
  /** Of the template it names. `unknown`: it was not looked for yet; `missing`: it was, and is not there. */
  readonly template:
    'none' | 'unknown' | 'missing' | { readonly template: Template; readonly pausedUntil: number | null };
  /** Since WhatsApp held it back, they were sent something else. */
  readonly sentSomethingElse: boolean;
  /** How many more people may be written to outside their windows; null: without limit. */
  readonly dailyLeft: number | null;
}

/** `sync`: its template has to be looked for first. */
export type Decision =
  | {
      readonly outcome: 'go';
      readonly leaves: OutboundContent;
      readonly shown: string;
      readonly category: Category;
      /** It opens a conversation outside their window. */
      readonly outside: boolean;
    }
  | { readonly outcome: 'sync' }
  | {
      readonly outcome: 'held' | 'queued' | 'refused';
      readonly reason: SendReason;
      readonly explanation: string;
      readonly category: Category;
      /** When it is looked at again; of what is refused: never. */
      readonly dueAt: number | null;
      /** What would leave, where nothing else stood in the way. */
      readonly would?: { readonly leaves: OutboundContent; readonly shown: string };
    };

const second = 1000;
const hour = 60 * 60 * second;
const day = 24 * hour;

/** Not tried again before (docs/vendors/whatsapp.md §3.4). */
export const cappedMs = day;
/** Messages one person takes: 45 at once, then one every 6 s (docs/vendors/whatsapp.md §3.4). */
export const pair = { eachMs: 6 * second, atOnce: 45 } as const;
/** So often in a row unreachable, and a number is taken for one that is not on WhatsApp. */
const unreachableTwice = 2;

export function decide(asked: AskedMessage, facts: GateFacts): Decision {
  const { now, channel, person, gate, settings } = facts;
  const { content } = asked;
  if (content.type === 'template' && facts.template === 'unknown') return { outcome: 'sync' };
  const known = typeof facts.template === 'object' ? facts.template : undefined;
  const category: Category =
    content.type === 'template' ? (known?.template.category ?? 'marketing') : 'service';
  const isMarketing = category === 'marketing';
  const refuse = (reason: SendReason, explanation: string): Decision => ({
    outcome: 'refused',
    reason,
    explanation,
    category,
    dueAt: null,
  });
  const wait = (
    outcome: 'held' | 'queued',
    reason: SendReason,
    explanation: string,
    until: number,
  ): Decision => ({
    outcome,
    reason,
    explanation,
    category,
    dueAt: Math.min(until, asked.expiresAt),
  });

  if (asked.expiresAt <= now)
    return refuse('expired', 'It was to leave before now, and something stood in its way until then.');
  if (person.phone === undefined && person.bsuid === undefined) {
    return refuse('no address', 'Nothing is known of them that WhatsApp could send to.');
  }
  if (content.type === 'template') {
    if (facts.template === 'missing' || known === undefined) {
      return refuse(
        'template unknown',
        `The account has no template ${templateName(content)}. Submit it, or choose another.`,
      );
    }
    const { status } = known.template;
    if (status === 'paused' || (known.pausedUntil ?? 0) > now) {
      const until = known.pausedUntil ?? Infinity;
      return wait(
        'held',
        'template paused',
        `WhatsApp paused ${templateName(content)} for its quality. It goes on by itself once that is over.`,
        until,
      );
    }
    if (inReview.has(status)) {
      return wait(
        'held',
        'template in review',
        `Meta is still reviewing ${templateName(content)}.`,
        Infinity,
      );
    }
    if (status !== 'approved') {
      return refuse(
        'template not approved',
        `Template ${templateName(content)} is ${status}: nothing is sent with it. Choose another.`,
      );
    }
  }
  if (person.consent.stoppedEverything) {
    return refuse(
      'opted out',
      'They asked for no messages at all. Only they can change that, by writing START.',
    );
  }
  if (isMarketing && (person.consent.marketing === 'withdrawn' || person.stopUnderWay)) {
    return refuse(
      'opted out',
      'They asked for no more marketing. Only they can change that, by writing START.',
    );
  }
  if (person.stopUnderWay) {
    return wait(
      'queued',
      'stop under way',
      'They have just written STOP: once it is known what they meant, it is decided.',
      now + second,
    );
  }
  if (isMarketing && person.consent.marketing === 'unknown') {
    return wait('held', 'no consent', 'They have not agreed to marketing. It leaves once they do.', Infinity);
  }
  if (gate.unreachable >= unreachableTwice && (person.lastInboundAt ?? 0) <= (gate.unreachableAt ?? 0)) {
    return refuse(
      'not on WhatsApp',
      'WhatsApp could not reach this number twice: it may not be on WhatsApp. A message from them clears this.',
    );
  }
  const windowOpen =
    (person.windowClosesAt ?? 0) > now && (person.lastInboundAt ?? 0) > (gate.windowDeniedAt ?? -1);
  if (content.type !== 'template' && !windowOpen) {
    return refuse(
      'window closed',
      'More than 24 hours have passed since they wrote: only a template goes through.',
    );
  }
  if (asked.cappedAt !== null) {
    if (facts.sentSomethingElse) {
      return refuse(
        'something else was sent',
        'WhatsApp held it back to limit marketing, and they were sent something else since.',
      );
    }
    if (!windowOpen && now < asked.cappedAt + cappedMs) {
      return wait(
        'queued',
        'WhatsApp limits marketing',
        'WhatsApp limits marketing to this person. It is tried once more after a day, or when they write.',
        asked.cappedAt + cappedMs,
      );
    }
  }
  if (isMarketing && channel.marketingBlockedReason !== null) {
    return wait('held', 'channel marketing stopped', channel.marketingBlockedReason, Infinity);
  }
  if (gate.restUntil > now) {
    return wait(
      'queued',
      'rests',
      'WhatsApp takes no more messages for this person just now.',
      gate.restUntil,
    );
  }
  if (isMarketing && settings.quietHours !== null) {
    const zones = zonesOf({ phone: person.phone, country: person.bsuid?.slice(0, 2) });
    const own = settings.timeZone ?? zonesOf({ country: channel.region })[0] ?? 'UTC';
    const until = quietUntil(now, zones.length === 0 ? [own] : zones, settings.quietHours);
    if (until === undefined)
      return refuse('quiet hours', 'It is never out of quiet hours everywhere they may live.');
    if (until > now)
      return wait(
        'queued',
        'quiet hours',
        'It is late where they live. It leaves when quiet hours end.',
        until,
      );
  }
  const { marketingCap: cap } = settings;
  if (isMarketing && cap !== null && person.marketingSent >= cap.messages) {
    return refuse(
      'marketing cap',
      `They had ${String(person.marketingSent)} marketing messages in ${String(cap.days)} days, as many as your settings let one person have.`,
    );
  }
  const outside = !windowOpen && (gate.outsideAt ?? 0) <= now - day;
  if (outside && facts.dailyLeft !== null && facts.dailyLeft <= 0) {
    return wait(
      'queued',
      'daily limit',
      'Meta lets this account write to so many people a day and no more. It leaves as others have had theirs a day ago.',
      now + hour / 4,
    );
  }
  const pairFreeAt = gate.filledUntil - (pair.atOnce - 1) * pair.eachMs;
  if (pairFreeAt > now) {
    return wait(
      'queued',
      'pair limit',
      'This person has just been sent as many messages as WhatsApp takes at once.',
      pairFreeAt,
    );
  }

  const timeZone = settings.timeZone ?? zonesOf({ country: channel.region })[0] ?? 'UTC';
  const leaves = resolved(content, person.fields, timeZone);
  if (leaves.type === 'template' && known !== undefined) {
    const problems = templateProblems(known.template, leaves.template);
    if (problems.length > 0) {
      const list = problems.map(({ path, message }) => `${path}: ${message}`).join('; ');
      return refuse('values do not fit', `The values do not fit template ${templateName(content)}. ${list}.`);
    }
  }
  const shown =
    leaves.type === 'template' && known !== undefined
      ? templateText(known.template, leaves.template)
      : textOfContent(leaves);
  const would = { leaves, shown };
  if (channel.mode === 'shadow') {
    return {
      ...refuse('shadow', 'This number is in shadow: what would leave is shown, and nothing leaves.'),
      would,
    } as Decision;
  }
  if (channel.mode === 'test' && !channel.testPhones.includes(person.phone ?? '')) {
    return {
      ...refuse('not listed', 'This number is in test: only listed phones are sent to.'),
      would,
    } as Decision;
  }
  return { outcome: 'go', ...would, category, outside };
}

/** Statuses in which Meta still looks at a template. */
const inReview: ReadonlySet<string> = new Set(['pending', 'in_review', 'in_appeal']);

function templateName(content: Extract<RequestedContent, { type: 'template' }>): string {
  return `“${content.template.name}” (${content.template.language})`;
}
