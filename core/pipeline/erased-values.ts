import { type ConnectorTraits, type ContactFields, type FieldMapping, ruleOf } from '../crm/index.ts';
import { fieldOfNumber, standInsOf, writtenValue } from '../mapping/index.ts';
import { connectionsOf, type IsTheirs, type Leaving, type WorkspaceTransaction } from '../store/index.ts';
import type { TraitsOf } from '../work/index.ts';
import { wholeMappingOf } from './mapping-of.ts';
import { contactFields } from './reconcile/contact-fields.ts';

/**
 * Tells which values of records that are others' too are of people to be erased: what we would write of them and of none
 * of the others, or wrote while it was their primary record and have of none of the others now. Opt-outs, tags and choices
 * name nobody, and what becomes of them is for the reconciler to say.
 */
export async function valuesOfErased(
  trx: WorkspaceTransaction,
  { contactIds, records }: Leaving,
  traitsOf: TraitsOf,
  now: number,
): Promise<IsTheirs> {
  const all = [...records.shared, ...records.alone, ...records.unborn];
  if (all.length === 0) return () => false;
  const accounts = new Map(
    (await connectionsOf(trx)).flatMap((connection) => {
      const traits = traitsOf(connection);
      if (traits === undefined) return [];
      const lines = wholeMappingOf(connection, traits).map((line) => [line.field.name, line] as const);
      return [[connection.connectionId, { traits, lines: new Map(lines) }] as const];
    }),
  );
  const mapping = [...accounts.values()].flatMap(({ lines }) => [...lines.values()]);
  const people = [...contactIds, ...all.flatMap(({ others }) => others)];
  const fields = await contactFields(trx, [...new Set(people)], now, mapping);
  const contactOf = new Map(fields.map((contact) => [contact.contactId, contact]));
  const known = (ids: readonly string[]): ContactFields[] => ids.flatMap((id) => contactOf.get(id) ?? []);

  return (record, field, value, ours) => {
    if (value === '') return false;
    const account = accounts.get(record.connectionId);
    if (field === account?.traits.contactIdField) return records.keys.includes(value);
    const line = account?.lines.get(fieldOfNumber(field));
    const wrote = ours && (record.primary || record.others.length === 0);
    if (account === undefined || line === undefined) return wrote;
    const { value: kind, values } = ruleOf(line.source);
    if ((kind !== 'text' && kind !== 'time') || values !== undefined) return false;
    const isOf = (ids: readonly string[]): boolean =>
      known(ids).some((contact) => says(contact, line, value, account.traits));
    return !isOf(record.others) && (wrote || isOf(contactIds));
  };
}

function says(
  contact: ContactFields,
  line: FieldMapping,
  value: string,
  { spelling }: ConnectorTraits,
): boolean {
  const forms = [writtenValue(line, contact, spelling), ...standInsOf(line, contact, spelling)];
  const said = spelling.phoneList === undefined ? [value] : [value, ...spelling.phoneList.in(value)];
  return forms.some(
    (form) => form !== undefined && said.some((one) => form === one || spelling.same(form, one, line.field)),
  );
}
