import { type ConsentState, consentState } from '../../consent/index.ts';
import { bsuidOf } from '../../identity/index.ts';
import {
  type AskedMessage,
  defaultSendingSettings,
  type GateFacts,
  sendingSettings,
  type SendingSettings,
} from '../../sending/index.ts';
import {
  type Addressee,
  type ChannelSending,
  consentOfPhones,
  type ContactReading,
  findContacts,
  fromJson,
  type Gate,
  type KnownTemplate,
  type lockGates,
  marketingSince,
  peopleOutside,
  identitiesOf,
  readAddressees,
  readContacts,
  readSendingSettings,
  sendableMedia,
  type SendRow,
  sentSomethingElse,
  suppressedAmong,
  templatesNamed,
  withdrawalsOf,
  type WorkspaceTransaction,
} from '../../store/index.ts';
import { requestedContent } from '../../whatsapp/index.ts';
import { consentOf, fieldsOf } from '../reconcile/contact-fields.ts';

const dayMs = 24 * 60 * 60 * 1000;
/** WhatsApp keeps what was uploaded for 30 days (docs/vendors/whatsapp.md §3.2). */
export const uploadsStandMs = 29 * dayMs;

/** One send with whom it goes to and all its gate asks about. */
export interface Asking {
  readonly send: SendRow;
  readonly asked: AskedMessage;
  /** The contact that stands for whom it was asked; null: nobody is known by that phone. */
  readonly contactId: string | null;
  /** Where it would go: canonical phone, or BSUID key; undefined: nowhere. */
  readonly address: string | undefined;
  /** The phone's digits as WhatsApp shows them. */
  readonly waId: string | undefined;
  /** All they are known by. */
  readonly values: readonly string[];
  /** What `withdrawalsOf` counted, of all they are known by. */
  readonly withdrawals: number;
  readonly person: GateFacts['person'];
  readonly template: GateFacts['template'];
  readonly medium: GateFacts['medium'];
  /** The provider's id of it; null: it has to be uploaded first, where it names one. */
  readonly uploadId: string | null;
  readonly sentSomethingElse: boolean;
}

export interface BatchFacts {
  readonly asking: readonly Asking[];
  readonly settings: SendingSettings;
  /** By address. */
  readonly gates: ReadonlyMap<string, Gate>;
  readonly dailyLeft: number | null;
}

/** Reads, in a fixed number of statements, how things stand for these sends of a channel. */
export async function readFacts(
  trx: WorkspaceTransaction,
  channel: ChannelSending,
  sends: readonly SendRow[],
  now: number,
  gatesOf: typeof lockGates,
): Promise<BatchFacts> {
  const settings = await settingsOf(trx);
  const contactOf = await contactsOf(trx, sends);
  const contactIds = [...new Set(contactOf.values())];
  const addressees = await readAddressees(trx, channel.channelId, contactIds);
  const strangers = sends.flatMap(({ sendId, phone }) =>
    contactOf.has(sendId) || phone === null ? [] : [phone],
  );
  const values = [...[...addressees.values()].flatMap((one) => one.values), ...strangers];
  // Before the ledger: a STOP that goes over into it meanwhile is seen here or there, and not in neither.
  const suppressed = await suppressedAmong(trx, values);
  const withdrawals = await withdrawalsOf(trx, values);
  const readings = new Map((await readContacts(trx, contactIds)).map((one) => [one.contactId, one]));
  const strangersConsent = await consentOfPhones(trx, strangers);
  const templates = await templatesOf(trx, channel.wabaId, sends);
  const cap = settings.marketingCap;
  const marketing =
    cap === null ? new Map<string, number>() : await marketingSince(trx, contactIds, now - cap.days * dayMs);
  const others = await sentSomethingElse(
    trx,
    sends.flatMap(({ sendId, cappedAt }) => {
      const contactId = contactOf.get(sendId);
      return cappedAt === null || contactId === undefined ? [] : [{ sendId, contactId, since: cappedAt }];
    }),
  );

  const media = await sendableMedia(
    trx,
    channel.channelId,
    sends.flatMap(({ mediaId }) => mediaId ?? []),
    now - uploadsStandMs,
  );

  const asking = sends.map((send): Asking => {
    const contactId = contactOf.get(send.sendId);
    const reading = contactId === undefined ? undefined : readings.get(contactId);
    const addressee = contactId === undefined ? undefined : addressees.get(contactId);
    const address = addressOf(send, reading, addressee, channel);
    const phone = address?.startsWith('+') === true ? address : undefined;
    const known = addressee?.values ?? (send.phone === null ? [] : [send.phone]);
    const consent: ConsentState =
      reading === undefined ? consentState(strangersConsent.get(send.phone ?? '') ?? []) : consentOf(reading);
    return {
      send,
      asked: {
        content: requestedContent.parse(fromJson(send.content)),
        expiresAt: send.expiresAt,
        cappedAt: send.cappedAt,
      },
      contactId: contactId ?? null,
      address,
      waId: phone === undefined ? undefined : (addressee?.waIds[phone] ?? phone.slice(1)),
      values: known,
      withdrawals: sumOf(withdrawals, known),
      person: {
        phone,
        bsuid: address === undefined || phone !== undefined ? undefined : bsuidOf(address),
        consent,
        stopUnderWay: known.some((value) => suppressed.has(value)),
        lastInboundAt: addressee?.lastInboundAt ?? null,
        windowClosesAt: addressee?.windowClosesAt ?? null,
        freeEntryUntil: addressee?.freeEntryUntil ?? null,
        fields: reading === undefined ? undefined : fieldsOf(reading, {}, now),
        marketingSent: contactId === undefined ? 0 : (marketing.get(contactId) ?? 0),
      },
      template: templateFor(send, templates),
      medium: send.mediaId === null ? 'none' : (media.get(send.mediaId)?.kind ?? 'missing'),
      uploadId: media.get(send.mediaId ?? '')?.uploadId ?? null,
      sentSomethingElse: others.has(send.sendId),
    };
  });
  const gates = await gatesOf(
    trx,
    channel.channelId,
    asking.flatMap(({ address }) => address ?? []),
  );
  const { dailyLimit } = channel;
  const dailyLeft =
    dailyLimit === null
      ? null
      : dailyLimit - (await peopleOutside(trx, channel.portfolio, now - dayMs, dailyLimit));
  return { asking, settings, gates, dailyLeft };
}

export function sumOf(counts: ReadonlyMap<string, number>, values: readonly string[]): number {
  return values.reduce((sum, value) => sum + (counts.get(value) ?? 0), 0);
}

export async function settingsOf(trx: WorkspaceTransaction): Promise<SendingSettings> {
  const stored = await readSendingSettings(trx);
  return stored === null ? defaultSendingSettings : sendingSettings.parse(fromJson(stored));
}

/** Whom each send goes to, by its id: the contact asked for, or who has the phone now. */
async function contactsOf(
  trx: WorkspaceTransaction,
  sends: readonly SendRow[],
): Promise<ReadonlyMap<string, string>> {
  const standing = await findContacts(
    trx,
    sends.flatMap(({ contactId }) => contactId ?? []),
  );
  const phones = sends.flatMap(({ contactId, phone }) =>
    contactId === null && phone !== null ? [phone] : [],
  );
  const holders = new Map<string, string | null>();
  for (const { value, contactId } of (await identitiesOf(trx, phones)).toSorted((x, y) => x.since - y.since))
    holders.set(value, contactId);
  return new Map(
    sends.flatMap(({ sendId, contactId, phone }) => {
      const found = contactId === null ? holders.get(phone ?? '') : standing.get(contactId);
      return found === undefined || found === null ? [] : [[sendId, found] as const];
    }),
  );
}

/** Their phone, the one last seen first; else what they are known by to this business. */
function addressOf(
  send: SendRow,
  reading: ContactReading | undefined,
  addressee: Addressee | undefined,
  { portfolio }: ChannelSending,
): string | undefined {
  if (reading === undefined) return send.contactId === null ? (send.phone ?? undefined) : undefined;
  const asked = send.contactId === null ? send.phone : null;
  if (asked !== null && reading.phones.includes(asked)) return asked;
  const bsuids = (addressee?.values ?? []).filter((value) => value.startsWith('bsuid:'));
  return (
    reading.phones[0] ??
    bsuids.find((value) => value.startsWith(`bsuid:${portfolio}:`)) ??
    bsuids.find((value) => value.startsWith('bsuid:parent:'))
  );
}

async function templatesOf(
  trx: WorkspaceTransaction,
  wabaId: string,
  sends: readonly SendRow[],
): Promise<ReadonlyMap<string, KnownTemplate>> {
  const names = [...new Set(sends.flatMap(({ templateName }) => templateName ?? []))];
  const known = await templatesNamed(trx, wabaId, names);
  return new Map(known.map((template) => [`${template.name} ${template.language}`, template]));
}

/** One that was missing before it was asked for is looked for again. */
function templateFor(
  { templateName, templateLanguage, askedAt }: SendRow,
  templates: ReadonlyMap<string, KnownTemplate>,
): GateFacts['template'] {
  if (templateName === null) return 'none';
  const known = templates.get(`${templateName} ${templateLanguage ?? ''}`);
  if (known === undefined || known.stale) return 'unknown';
  if (known.template === null) return known.syncedAt < askedAt ? 'unknown' : 'missing';
  return { template: known.template, pausedUntil: known.pausedUntil };
}
