import { carriedOptOut, type ConsentEntry, type ConsentState, consentState } from '../../consent/index.ts';
import type { ContactFields, FieldMapping } from '../../crm/index.ts';
import { bsuidOf, readName } from '../../identity/index.ts';
import {
  type ContactReading,
  interactiveContents,
  readContacts,
  type WorkspaceTransaction,
} from '../../store/index.ts';
import { flowAnswersOf } from './flow-answers.ts';

/** What a CRM is to know of these contacts now. Contacts joined into others are left out. */
export async function contactFields(
  trx: WorkspaceTransaction,
  contactIds: readonly string[],
  now: number,
  mapping: readonly FieldMapping[] = [],
): Promise<ContactFields[]> {
  if (contactIds.length === 0) return [];
  const readings = await readContacts(trx, contactIds);
  const asksFlows = mapping.some(({ source }) => typeof source === 'object' && 'flowAnswer' in source);
  const answers = asksFlows ? flowAnswersOf(await interactiveContents(trx, contactIds)) : new Map();
  return readings.map((reading) => fieldsOf(reading, answers.get(reading.contactId) ?? {}, now));
}

export function fieldsOf(
  reading: ContactReading,
  flowAnswers: Readonly<Record<string, string>>,
  now: number,
): ContactFields {
  const consent = consentOf(reading);
  const name = readName({
    ...(reading.profileName === null ? {} : { profileName: reading.profileName }),
    ...(reading.firstMessage === null ? {} : { firstMessage: reading.firstMessage }),
  });
  const windowOpen = reading.windowClosesAt !== null && reading.windowClosesAt > now;
  const [phone] = reading.phones;
  return {
    contactId: reading.contactId,
    ...(phone === undefined ? {} : { phone }),
    phones: reading.phones,
    formerPhones: reading.formerPhones,
    ...(reading.bsuidKey === null ? {} : { bsuid: bsuidOf(reading.bsuidKey) }),
    ...(reading.username === null ? {} : { username: reading.username }),
    ...name,
    leadSource: reading.cameFromAd
      ? 'WhatsApp CTWA'
      : reading.firstMessage === null
        ? 'WhatsApp'
        : 'WhatsApp Inbound',
    ...(consent.optInAt === undefined ? {} : { optInAt: consent.optInAt }),
    ...(reading.firstMessage === null ? {} : { firstMessage: reading.firstMessage }),
    ...(reading.firstMessageAt === null ? {} : { firstMessageAt: reading.firstMessageAt }),
    ...(reading.lastActivityAt === null ? {} : { lastActivityAt: reading.lastActivityAt }),
    ...(reading.lastInboundAt === null ? {} : { lastInboundAt: reading.lastInboundAt }),
    windowState: windowOpen ? 'open' : 'closed',
    ...(reading.windowClosesAt === null ? {} : { windowClosesAt: reading.windowClosesAt }),
    ...(reading.waitingSince === null ? {} : { waitingSince: reading.waitingSince }),
    optOut: consent.marketing === 'withdrawn',
    ...(consent.optOutAt === undefined ? {} : { optOutAt: consent.optOutAt }),
    tags: reading.tags,
    flowAnswers,
  };
}

/** What they agreed to and took back, with what came along with their phones. */
export function consentOf(reading: ContactReading): ConsentState {
  return consentState([...reading.consent, ...inherited(reading)]);
}

/** The opt-outs that came with the phones this person took over. */
function inherited(reading: ContactReading): ConsentEntry[] {
  return reading.takenOver.flatMap(({ since, holders }) => carriedOptOut(holders, since));
}
