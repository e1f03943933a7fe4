import { type ConsentEntry, consentState, inheritedOptOut } from '../../consent/index.ts';
import type { ContactFields } from '../../crm/index.ts';
import { bsuidOf, readName } from '../../identity/index.ts';
import { type ContactReading, readContacts, type WorkspaceTransaction } from '../../store/index.ts';

/** What the CRM is to know of these contacts now. Contacts joined into others are left out. */
export async function contactFields(
  trx: WorkspaceTransaction,
  contactIds: readonly string[],
  now: number,
): Promise<ContactFields[]> {
  const readings = await readContacts(trx, contactIds);
  return readings.map((reading) => fieldsOf(reading, now));
}

function fieldsOf(reading: ContactReading, now: number): ContactFields {
  const consent = consentState([...reading.consent, ...inherited(reading)]);
  const name = readName({
    ...(reading.profileName === null ? {} : { profileName: reading.profileName }),
    ...(reading.firstMessage === null ? {} : { firstMessage: reading.firstMessage }),
  });
  const windowOpen = reading.windowClosesAt !== null && reading.windowClosesAt > now;
  return {
    contactId: reading.contactId,
    ...(reading.phone === null ? {} : { phone: reading.phone }),
    ...(reading.bsuidKey === null ? {} : { bsuid: bsuidOf(reading.bsuidKey) }),
    ...(reading.username === null ? {} : { username: reading.username }),
    ...name,
    leadSource:
      reading.firstMessage === null
        ? 'WhatsApp'
        : reading.firstMessageFromAd === true
          ? 'WhatsApp CTWA'
          : 'WhatsApp Inbound',
    ...(consent.optInAt === undefined ? {} : { optInAt: consent.optInAt }),
    ...(reading.firstMessage === null ? {} : { firstMessage: reading.firstMessage }),
    ...(reading.lastActivityAt === null ? {} : { lastActivityAt: reading.lastActivityAt }),
    windowState: windowOpen ? 'open' : 'closed',
    ...(reading.windowClosesAt === null ? {} : { windowClosesAt: reading.windowClosesAt }),
    optOut: consent.marketing === 'withdrawn',
    ...(consent.optOutAt === undefined ? {} : { optOutAt: consent.optOutAt }),
    tags: reading.tags,
  };
}

/** The opt-outs that came with the phones this person took over. */
function inherited(reading: ContactReading): ConsentEntry[] {
  return reading.takenOver.flatMap(({ since, previous }) => inheritedOptOut(previous, since));
}
