import { ownMediumOf } from '../whatsapp/index.ts';
import { quietUntil, zonesOf } from './quiet-hours.ts';
import type { AskedMessage, Category, GateFacts, SendReason } from './asking.ts';
import type { SendingSettings } from './settings.ts';

/** What may stand in a message's way. Times in milliseconds. */

const second = 1000;
const hour = 60 * 60 * second;
const day = 24 * hour;

/** Not tried again before (docs/vendors/whatsapp.md §3.4). */
const cappedMs = day;
/** Messages one person takes: 45 at once, then one every 6 s (docs/vendors/whatsapp.md §3.4). */
export const pair = { eachMs: 6 * second, atOnce: 45 } as const;
/** So often in a row unreachable, a number is taken for one that is not on WhatsApp. */
const unreachableTwice = 2;

/** One asking to leave, as things stand. */
export interface Asking extends GateFacts {
  readonly asked: AskedMessage;
  readonly category: Category;
  readonly windowOpen: boolean;
}

export interface Obstacle {
  readonly outcome: 'held' | 'queued' | 'refused';
  readonly reason: SendReason;
  readonly explanation: string;
  /** When it may be over; `Infinity`: when something is told of it. */
  readonly until: number;
}

export const refused = (reason: SendReason, explanation: string): Obstacle => ({
  outcome: 'refused',
  reason,
  explanation,
  until: Infinity,
});
const held = (reason: SendReason, explanation: string, until = Infinity): Obstacle => ({
  outcome: 'held',
  reason,
  explanation,
  until,
});
const queued = (reason: SendReason, explanation: string, until: number): Obstacle => ({
  outcome: 'queued',
  reason,
  explanation,
  until,
});

/** What stands in its way; undefined: nothing of that kind. In this order: what is for good before what passes. */
type Check = (asking: Asking) => Obstacle | undefined;
export const checks: readonly Check[] = [
  late,
  withoutAddress,
  templateUnfit,
  mediumUnfit,
  optedOut,
  withoutConsent,
  unreachable,
  windowClosed,
  capped,
  marketingStopped,
  resting,
  inQuietHours,
  hadEnough,
  overDailyLimit,
  overPairLimit,
];

function late({ asked, now }: Asking): Obstacle | undefined {
  if (asked.expiresAt > now) return undefined;
  return refused('expired', 'It was to leave before now, and something stood in its way until then.');
}

function withoutAddress({ person }: Asking): Obstacle | undefined {
  if (person.phone !== undefined || person.bsuid !== undefined) return undefined;
  return refused('no address', 'Nothing is known of them that WhatsApp could send to.');
}

/** Statuses in which Meta still looks at a template. */
const inReview: ReadonlySet<string> = new Set(['pending', 'in_review', 'in_appeal']);

function templateUnfit({ asked: { content }, template: known, now }: Asking): Obstacle | undefined {
  if (content.type !== 'template') return undefined;
  const name = nameOf(content.template);
  if (typeof known !== 'object') {
    return refused('template unknown', `The account has no template ${name}. Submit it, or choose another.`);
  }
  const { status } = known.template;
  const pausedUntil = known.pausedUntil ?? 0;
  if (status === 'paused' || pausedUntil > now) {
    const until = pausedUntil > now ? pausedUntil : Infinity;
    return held(
      'template paused',
      `WhatsApp paused template ${name} for its quality. It goes on by itself.`,
      until,
    );
  }
  if (inReview.has(status)) return held('template in review', `Meta is still reviewing template ${name}.`);
  if (status === 'approved') return undefined;
  return refused(
    'template not approved',
    `Template ${name} is ${status}: nothing is sent with it. Choose another.`,
  );
}

function mediumUnfit({ asked: { content }, medium }: Asking): Obstacle | undefined {
  const named = ownMediumOf(content);
  if (named === undefined || medium === named.kind) return undefined;
  const said =
    medium === 'missing' || medium === 'none'
      ? 'There is no such medium here: it may be gone with a person who was erased. Give it to Sangam once more.'
      : `The medium is of kind ${medium}, and the message wants one of kind ${named.kind}.`;
  return refused('media unknown', said);
}

function optedOut({ person: { consent, stopUnderWay }, category, now }: Asking): Obstacle | undefined {
  const lift = 'Only they can change that, by writing START.';
  if (consent.stoppedEverything) return refused('opted out', `They asked for no messages at all. ${lift}`);
  if (category === 'marketing' && (consent.marketing === 'withdrawn' || stopUnderWay)) {
    return refused('opted out', `They asked for no more marketing. ${lift}`);
  }
  if (!stopUnderWay) return undefined;
  return queued(
    'stop under way',
    'They have just written STOP, and what they meant is being read.',
    now + second,
  );
}

function withoutConsent({ person: { consent }, category }: Asking): Obstacle | undefined {
  if (category !== 'marketing' || consent.marketing === 'granted') return undefined;
  return held('no consent', 'They have not agreed to marketing. It leaves once they do.');
}

function unreachable({ gate, person }: Asking): Obstacle | undefined {
  if (gate.unreachable < unreachableTwice) return undefined;
  if ((person.lastInboundAt ?? 0) > (gate.unreachableAt ?? 0)) return undefined;
  return refused(
    'not on WhatsApp',
    'WhatsApp could not reach this number twice: it may not be on WhatsApp. A message from them clears this.',
  );
}

function windowClosed({ asked: { content }, windowOpen }: Asking): Obstacle | undefined {
  if (content.type === 'template' || windowOpen) return undefined;
  return refused(
    'window closed',
    'More than 24 hours have passed since they wrote: only a template goes through.',
  );
}

function capped({
  asked: { cappedAt },
  person,
  sentSomethingElse,
  windowOpen,
  now,
}: Asking): Obstacle | undefined {
  if (cappedAt === null) return undefined;
  if (sentSomethingElse) {
    return refused(
      'something else was sent',
      'WhatsApp held it back to limit marketing, and they were sent something else since.',
    );
  }
  // While their window is open, or they came from an ad, WhatsApp does not limit it.
  const isFree = windowOpen || (person.freeEntryUntil ?? 0) > now;
  if (isFree || now >= cappedAt + cappedMs) return undefined;
  return queued(
    'WhatsApp limits marketing',
    'WhatsApp limits marketing to this person. It is tried once more after a day, or when they write.',
    cappedAt + cappedMs,
  );
}

function marketingStopped({ category, channel }: Asking): Obstacle | undefined {
  if (category !== 'marketing' || channel.marketingBlockedReason === null) return undefined;
  return held('channel marketing stopped', channel.marketingBlockedReason);
}

function resting({ gate, now }: Asking): Obstacle | undefined {
  if (gate.restUntil <= now) return undefined;
  return queued('rests', 'WhatsApp takes no more messages for this person just now.', gate.restUntil);
}

function inQuietHours({ category, settings, person, channel, now }: Asking): Obstacle | undefined {
  if (category !== 'marketing' || settings.quietHours === null) return undefined;
  const zones = zonesOf({ phone: person.phone, country: person.bsuid?.slice(0, 2) });
  const until = quietUntil(
    now,
    zones.length === 0 ? [zoneOf(channel, settings)] : zones,
    settings.quietHours,
  );
  if (until === undefined)
    return refused('quiet hours', 'There is no hour that is not quiet somewhere they may live.');
  if (until <= now) return undefined;
  return queued('quiet hours', 'It is late where they live. It leaves when quiet hours end.', until);
}

function hadEnough({ category, settings: { marketingCap: cap }, person }: Asking): Obstacle | undefined {
  if (category !== 'marketing' || cap === null || person.marketingSent < cap.messages) return undefined;
  return refused(
    'marketing cap',
    `They had ${String(person.marketingSent)} marketing messages in ${String(cap.days)} days, as many as your settings let one ` +
      'person have.',
  );
}

export function isFirstToday({ gate, now }: Asking): boolean {
  return (gate.outsideAt ?? 0) <= now - day;
}

function overDailyLimit(asking: Asking): Obstacle | undefined {
  const { windowOpen, dailyLeft, now } = asking;
  if (windowOpen || dailyLeft === null || dailyLeft > 0 || !isFirstToday(asking)) return undefined;
  return queued(
    'daily limit',
    'Meta lets this account write first to so many people a day. It leaves once there is room.',
    now + hour / 4,
  );
}

function overPairLimit({ gate, now }: Asking): Obstacle | undefined {
  const freeAt = gate.filledUntil - (pair.atOnce - 1) * pair.eachMs;
  if (freeAt <= now) return undefined;
  return queued(
    'pair limit',
    'This person has just been sent as many messages as WhatsApp takes at once.',
    freeAt,
  );
}

/** By the channel's mode: it is worked out and shown, and does not leave. */
export function keptBack({
  channel: { mode, testPhones },
  person: { phone },
}: {
  readonly channel: Pick<GateFacts['channel'], 'mode' | 'testPhones'>;
  readonly person: Pick<GateFacts['person'], 'phone'>;
}): Obstacle | undefined {
  if (mode === 'shadow') {
    return refused('shadow', 'This number is in shadow: what would leave is shown, and nothing leaves.');
  }
  if (mode === 'test' && !testPhones.includes(phone ?? '')) {
    return refused('not listed', 'This number is in test: only listed phones are sent to.');
  }
  return undefined;
}

export function zoneOf({ region }: GateFacts['channel'], { timeZone }: SendingSettings): string {
  return timeZone ?? zonesOf({ country: region })[0] ?? 'UTC';
}

export function nameOf({ name, language }: { readonly name: string; readonly language: string }): string {
  return `“${name}” (${language})`;
}
