import {
  type Connector,
  type CrmField,
  type CrmValues,
  type FieldMapping,
  type FieldPolicy,
  type MappingSource,
} from '../../crm/index.ts';
import type { Clock } from '../../clock.ts';
import { Refusal } from '../../errors.ts';
import {
  type CheckRow,
  type ConnectionRow,
  knownPeople,
  lastCheck,
  type Page,
  type PhoneKey,
  seenValues,
  sharedPhones,
  type Store,
  type UnreadablePhone,
  unreadablePhones,
  type WorkspaceTransaction,
} from '../../store/index.ts';
import { wholeMappingOf } from '../mapping-of.ts';
import { contactFields } from '../reconcile/contact-fields.ts';

/** Most groups of records a report looks into. */
const mostGroups = 5_000;

/** What a scan of an account finds, besides numbers that cannot be read. */
export const findingSections = [
  'several records',
  'contradicting consents',
  'fields',
  'shared numbers',
] as const;

/** Records that hold one phone, or are tied together by several. */
export interface RecordGroup {
  readonly phones: readonly string[];
  readonly records: readonly { readonly recordId: string; readonly name: string; readonly url?: string }[];
}

interface ConsentContradiction {
  readonly recordIds: readonly string[];
  readonly explanation: string;
}

/** What would become of one of our fields. */
interface FieldForecast {
  readonly source: MappingSource;
  readonly field: string;
  /** False: provisioning would create it. */
  readonly exists: boolean;
  readonly policy: FieldPolicy;
  /** Records that hold a value there now. */
  readonly filled: number;
  readonly becomes: string;
}

interface ReportInput {
  readonly store: Store;
  readonly clock: Clock;
  readonly connector: Connector;
  readonly connection: ConnectionRow;
}

/** One section of what a scan of the account found: at most some thousand rows. Throws a `Refusal`. */
export async function readFindings(
  input: ReportInput,
  section: (typeof findingSections)[number],
): Promise<readonly object[]> {
  const { store, connection } = input;
  const check = await store.transact(connection.workspaceId, (trx) =>
    mustHaveCheck(trx, connection.connectionId),
  );
  switch (section) {
    case 'several records':
      return groupsOf(input);
    case 'shared numbers':
      return (await groupsOf(input)).filter(differentPeople);
    case 'contradicting consents':
      return contradictions(input);
    case 'fields':
      return forecasts(input, check);
  }
}

/** Numbers in the account that cannot be read, with what to do about each. Throws a `Refusal`. */
export function readUnreadableNumbers(
  store: Store,
  { workspaceId, connectionId, region }: ConnectionRow,
  page: Page<PhoneKey>,
): Promise<(UnreadablePhone & { readonly advice: string })[]> {
  return store.transact(workspaceId, async (trx) => {
    await mustHaveCheck(trx, connectionId);
    return (await unreadablePhones(trx, connectionId, page)).map((phone) => withAdvice(phone, region));
  });
}

/** The connection's latest check. Throws a `Refusal` where there is none. */
export async function mustHaveCheck(trx: WorkspaceTransaction, connectionId: string): Promise<CheckRow> {
  const check = await lastCheck(trx, connectionId);
  if (check === undefined) {
    throw new Refusal('missing', 'no_check', 'Nobody has looked through this account yet: start a check.');
  }
  return check;
}

async function groupsOf({ store, connector, connection }: ReportInput): Promise<RecordGroup[]> {
  const { workspaceId, connectionId } = connection;
  return store.transact(workspaceId, async (trx) => {
    const groups = joinGroups(await sharedPhones(trx, connectionId, mostGroups));
    const values = await seenValues(
      trx,
      connectionId,
      groups.flatMap(({ recordIds }) => recordIds),
    );
    const mapping = wholeMappingOf(connection, connector.traits);
    return groups.map(({ phones, recordIds }) => ({
      phones,
      records: recordIds.map((recordId) => {
        const url = connector.traits.recordUrl(connection.account ?? '', recordId);
        const name = nameIn(values.get(recordId) ?? {}, mapping);
        return { recordId, name, ...(url === undefined ? {} : { url }) };
      }),
    }));
  });
}

/** Records that share a phone with others, each once: who shares with whom is followed to its end. */
function joinGroups(
  shared: readonly { readonly phone: string; readonly recordIds: readonly string[] }[],
): { readonly phones: string[]; readonly recordIds: string[] }[] {
  const groupOf = new Map<string, { phones: Set<string>; recordIds: Set<string> }>();
  for (const { phone, recordIds } of shared) {
    const joined = { phones: new Set([phone]), recordIds: new Set(recordIds) };
    for (const group of new Set(recordIds.map((recordId) => groupOf.get(recordId)))) {
      for (const other of group?.phones ?? []) joined.phones.add(other);
      for (const other of group?.recordIds ?? []) joined.recordIds.add(other);
    }
    for (const recordId of joined.recordIds) groupOf.set(recordId, joined);
  }
  return [...new Set(groupOf.values())].map(({ phones, recordIds }) => ({
    phones: [...phones].toSorted(),
    recordIds: [...recordIds].toSorted((x, y) => x.length - y.length || (x < y ? -1 : 1)),
  }));
}

/** Names that say different people stand under one number. */
function differentPeople({ records }: RecordGroup): boolean {
  const names = records.map(({ name }) => name.trim().toLowerCase().split(/\s+/, 1)[0] ?? '');
  return new Set(names.filter((name) => name !== '')).size > 1;
}

function withAdvice(
  phone: UnreadablePhone,
  region: string | undefined,
): UnreadablePhone & { readonly advice: string } {
  const digits = phone.typed.replace(/\D/g, '');
  const advice =
    digits === ''
      ? 'Move the text to another field.'
      : digits.length < 7
        ? 'Complete the number.'
        : region === undefined
          ? 'Write it with its country code, such as +91 98123 45678, or name your country in the settings (phoneRegion).'
          : 'Write it with its country code, such as +91 98123 45678.';
  return { ...phone, advice };
}

async function contradictions(input: ReportInput): Promise<ConsentContradiction[]> {
  const { store, clock, connector, connection } = input;
  const { workspaceId, connectionId } = connection;
  const optOut = wholeMappingOf(connection, connector.traits).find(
    ({ source }) => source === 'opt-out',
  )?.field;
  if (optOut === undefined) return [];
  const says = (values: CrmValues | undefined): boolean | undefined =>
    connector.traits.spelling.readFlag(values?.[optOut.name] ?? '', optOut);
  return store.transact(workspaceId, async (trx) => {
    const groups = joinGroups(await sharedPhones(trx, connectionId, mostGroups));
    const people = await knownPeople(trx, connectionId, mostGroups);
    const values = await seenValues(trx, connectionId, [
      ...groups.flatMap(({ recordIds }) => recordIds),
      ...people.map(({ recordId }) => recordId),
    ]);
    const contacts = await contactFields(
      trx,
      [...new Set(people.map(({ contactId }) => contactId))],
      clock.now(),
    );
    const stopped = new Set(contacts.filter((contact) => contact.optOut).map(({ contactId }) => contactId));
    return [
      ...groups
        .filter(({ recordIds }) => {
          const said = recordIds.map((recordId) => says(values.get(recordId)) === true);
          return said.includes(true) && said.includes(false);
        })
        .map(({ recordIds }) => ({
          recordIds,
          explanation: 'One person stands on these records, opted out on some and not on others.',
        })),
      ...people
        .filter(({ recordId, contactId }) => stopped.has(contactId) && says(values.get(recordId)) !== true)
        .map(({ recordId }) => ({
          recordIds: [recordId],
          explanation: 'This person asked to stop on WhatsApp; the record does not say so.',
        })),
      ...people
        .filter(({ recordId, contactId }) => !stopped.has(contactId) && says(values.get(recordId)) === true)
        .map(({ recordId }) => ({
          recordIds: [recordId],
          explanation: 'The record says opted out; on WhatsApp this person did not say so.',
        })),
    ];
  });
}

async function forecasts({ connector, connection }: ReportInput, check: CheckRow): Promise<FieldForecast[]> {
  const existing = new Map((await connector.fields()).map((field) => [field.name, field]));
  return wholeMappingOf(connection, connector.traits).map(({ source, field, policy }) => {
    const filled = check.filled[field.name] ?? 0;
    return {
      source,
      field: field.name,
      exists: existing.has(field.name),
      policy,
      filled,
      becomes: fate(policy, existing.get(field.name), filled),
    };
  });
}

function fate(policy: FieldPolicy, field: CrmField | undefined, filled: number): string {
  if (field === undefined) return 'Created, and filled for everybody who writes on WhatsApp.';
  if (!field.writable) return 'The CRM does not let it be written: choose another field.';
  const kept = `${String(filled)} filled values are kept`;
  switch (policy) {
    case 'once':
    case 'if-empty':
      return `${kept}; empty ones are filled.`;
    case 'ours':
      return `${String(filled)} filled values are replaced once their person writes on WhatsApp.`;
    case 'both':
      return `${kept} and brought together with what is said on WhatsApp.`;
    case 'theirs':
      return 'Only read.';
  }
}

function nameIn(values: CrmValues, mapping: readonly FieldMapping[]): string {
  const part = (wanted: MappingSource): string =>
    values[mapping.find(({ source }) => source === wanted)?.field.name ?? ''] ?? '';
  return `${part('first name')} ${part('last name')}`.trim();
}
