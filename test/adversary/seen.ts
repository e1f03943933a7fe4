import { linksOfContacts } from '@sangam/core/store';
import type { UserRecord } from '../conformance/account.ts';
import { everyStoredRow, type StoredRow } from '../harness/every-row.ts';
import { type Human, mayBeTwo } from './human.ts';
import type { Life } from './life.ts';

/** A human Sangam knows, as it knows them at the end. */
export interface SeenHuman {
  readonly human: Human;
  readonly contactId: string;
  readonly optOut: boolean;
  readonly links: Awaited<ReturnType<typeof linksOfContacts>>;
  /** Their primary records that stand in the CRM: one, unless `mayBeUnlinked`. */
  readonly primaries: readonly string[];
  /** Their record was removed and they have not written since, or the CRM refuses to make one. */
  readonly mayBeUnlinked: boolean;
}

/** What there is to see at the end, in Sangam and in the CRM. */
export interface Seen {
  readonly records: readonly UserRecord[];
  /** What each record shows of conversations. */
  readonly timelines: ReadonlyMap<string, string>;
  readonly letters: Awaited<ReturnType<Life['crm']['letters']>>;
  /** The CRM refused a twin, and a person is asked what to do. */
  readonly twinsRefused: boolean;
  /** By a human's index, the contact their BSUID and their phone lead to. */
  readonly byBsuid: ReadonlyMap<number, string>;
  readonly byPhone: ReadonlyMap<number, string>;
  readonly humans: readonly SeenHuman[];
  /** By contact of a known human, whether it is opted out: who is back after erasure may be two, one by their phone alone. */
  readonly optOuts: ReadonlyMap<string, boolean>;
  /** By record, those of these contacts that are linked to it. */
  readonly contactsOf: ReadonlyMap<string, readonly string[]>;
  readonly rows: readonly StoredRow[];
}

export async function see(life: Life): Promise<Seen> {
  const { crm } = life;
  const records = await crm.records();
  const timelines = new Map<string, string>();
  for (const { recordId } of records) {
    const entries = await crm.account.user.timeline(recordId);
    timelines.set(recordId, entries.map(({ text }) => text).join('\n'));
  }
  const letters = await crm.letters();
  const conflicts = await crm.conflicts();
  const twinsRefused =
    life.refusesTwins &&
    (letters.some(({ reason }) => reason === 'exists') ||
      conflicts.some(({ kind }) => kind === 'taken by another record'));
  const byBsuid = new Map<number, string>();
  const byPhone = new Map<number, string>();
  const humans: SeenHuman[] = [];
  const optOuts = new Map<string, boolean>();
  for (const human of life.humans) {
    const contact = await crm.contactOf({ bsuid: human.bsuid }).catch(() => undefined);
    const phoneContact = await crm.contactOf({ phone: human.phone }).catch(() => undefined);
    if (phoneContact !== undefined) byPhone.set(human.index, phoneContact.contactId);
    for (const one of [contact, phoneContact])
      if (human.known && one !== undefined) optOuts.set(one.contactId, one.optOut);
    if (contact === undefined) continue;
    const { contactId, optOut } = contact;
    byBsuid.set(human.index, contactId);
    if (
      !human.known ||
      (phoneContact !== undefined && phoneContact.contactId !== contactId && mayBeTwo(human))
    )
      continue;
    const links = await crm.transact((trx) => linksOfContacts(trx, crm.connectionId, [contactId]));
    const primaries = links
      .filter(({ primary, recordId }) => primary && timelines.has(recordId))
      .map(({ recordId }) => recordId);
    const mayBeUnlinked = twinsRefused || human.lastWroteAt <= life.lastRemovedAt;
    humans.push({ human, contactId, optOut, links, primaries, mayBeUnlinked });
  }
  const contactsOf = new Map<string, string[]>();
  for (const contactId of optOuts.keys()) {
    const links = await crm.transact((trx) => linksOfContacts(trx, crm.connectionId, [contactId]));
    for (const { recordId } of links)
      contactsOf.set(recordId, [...(contactsOf.get(recordId) ?? []), contactId]);
  }
  const rows = await everyStoredRow(life.fixture.store, crm.workspaceId);
  return { records, timelines, letters, twinsRefused, byBsuid, byPhone, humans, optOuts, contactsOf, rows };
}
