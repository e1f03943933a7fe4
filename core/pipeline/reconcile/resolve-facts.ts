import type { CrmValues } from '../../crm/index.ts';
import { readPhone } from '../../identity/index.ts';
import {
  type ConnectionRow,
  type Creation,
  creationPace,
  creationsOf,
  firstContents,
  primaryRecordsOfEarlierHolders,
  ownNumbers,
  partedFrom,
  type PhoneHolder,
  recordsByPhone,
  recordsOfErased,
  recordsOfStrayPhones,
  triedValues,
  type WorkspaceTransaction,
} from '../../store/index.ts';
import { erasedPhones, type ErasureKeyOf } from '../erased.ts';
import { type FirstContact, firstContactOf } from './creation-rules.ts';
import type { UnlinkedContact } from './load-batch.ts';

/** What the store knows of contacts without a record. */
export interface ResolveFacts {
  readonly indexed: readonly PhoneHolder[];
  /** Phones of people who were erased and may have come back: the index says nothing of them. */
  readonly erased: ReadonlySet<string>;
  /**
   * Records that are not theirs though they hold their phone: a person parted them, they are of who held it before, also
   * where that one was erased, or they are somebody else's and are to lose it. Contact and record, as `<contact> <record>`.
   */
  readonly parted: ReadonlySet<string>;
  /** Of those, the ones that are to lose the phone. */
  readonly losing: ReadonlySet<string>;
  /** By contact: records of who held their phone before, where a person typed it. */
  readonly typedElsewhere: ReadonlyMap<string, readonly { readonly recordId: string }[]>;
  readonly partedContacts: ReadonlySet<string>;
  readonly creations: ReadonlyMap<string, Creation>;
  /**
   * Keys under which a record may have been made for the contact, or for one that was joined into it. Undefined: our
   * field may not be there, so none is looked for.
   */
  readonly keys: ReadonlyMap<string, readonly string[]> | undefined;
  /** What tries under these keys were to write. */
  readonly tried: ReadonlyMap<string, readonly CrmValues[]>;
  readonly first: ReadonlyMap<string, FirstContact>;
  readonly ownNumbers: ReadonlySet<string>;
  readonly pace: { readonly lastHour: number; readonly usualHour: number };
}

export async function loadResolveFacts(
  trx: WorkspaceTransaction,
  connection: ConnectionRow,
  unlinked: readonly UnlinkedContact[],
  erasureKeyOf: ErasureKeyOf,
  now: number,
): Promise<ResolveFacts> {
  const { connectionId, settings, region } = connection;
  const contactIds = unlinked.map(({ contact }) => contact.contactId);
  const asksFirst =
    settings.creation.policy === 'from ad, Flow or keyword' ||
    settings.owner.kind === 'by ad' ||
    settings.owner.kind === 'by channel';
  const phones = unlinked.flatMap(({ contact }) => contact.phones);
  const first = asksFirst ? await firstContents(trx, contactIds) : [];
  const creations = await creationsOf(trx, connectionId, contactIds);
  const parted = await partedFrom(trx, connectionId, contactIds);
  const earlier = await primaryRecordsOfEarlierHolders(trx, connectionId, contactIds);
  const stray = await recordsOfStrayPhones(trx, connectionId, contactIds);
  const numbers = await ownNumbers(trx);
  const erased = await erasedPhones(trx, phones, erasureKeyOf);
  const nextHolders = unlinked.filter(({ contact }) =>
    contact.phones.some((phone) => erased.get(phone) === 'handed over'),
  );
  const records = nextHolders.length === 0 ? [] : await recordsOfErased(trx, connectionId);
  const left = nextHolders.flatMap(({ contact: { contactId } }) =>
    records.map((recordId) => ({ contactId, recordId })),
  );
  const namesOf = (rows: readonly { readonly contactId: string; readonly recordId: string }[]): Set<string> =>
    new Set(rows.map(({ contactId, recordId }) => `${contactId} ${recordId}`));
  return {
    indexed: await recordsByPhone(trx, connectionId, phones),
    erased: new Set([...erased].flatMap(([phone, now]) => (now === 'back' ? [phone] : []))),
    parted: namesOf([...parted, ...earlier, ...left, ...stray]),
    losing: namesOf(stray),
    typedElsewhere: Map.groupBy(
      earlier.filter(({ typed }) => typed),
      ({ contactId }) => contactId,
    ),
    partedContacts: new Set(parted.map(({ contactId }) => contactId)),
    creations: new Map(
      creations
        .filter(({ contactId, decidedFor }) => contactId === decidedFor)
        .map(({ contactId, key, ownerId }) => [contactId, { contactId, key, ownerId }]),
    ),
    keys: new Map(
      [...Map.groupBy(creations, ({ contactId }) => contactId)].map(([contactId, ofContact]) => [
        contactId,
        ofContact.map(({ key }) => key),
      ]),
    ),
    tried: await triedValues(
      trx,
      connectionId,
      creations.map(({ key }) => key),
    ),
    first: new Map(
      [...Map.groupBy(first, ({ contactId }) => contactId)].flatMap(([contactId, contents]) => {
        const contact = firstContactOf(contents);
        return contact === undefined ? [] : [[contactId, contact] as const];
      }),
    ),
    ownNumbers: new Set(
      numbers.flatMap((number) => {
        const reading = readPhone(number, region);
        return 'e164' in reading ? [reading.e164] : [];
      }),
    ),
    pace: await creationPace(trx, connectionId, now),
  };
}
