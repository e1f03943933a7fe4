import type { Catalogue } from './catalogue.ts';
import type { StoredRecord, Values } from '../shared/record.ts';

/** What a merge gives the primary: its own values win, the other's fill the empty ones. */
export function filledFrom(
  catalogue: Catalogue,
  primary: StoredRecord,
  other: StoredRecord,
): Record<string, string> {
  const filled: Record<string, string> = {};
  for (const [name, value] of Object.entries(other.properties)) {
    const property = catalogue.properties.get(name);
    if (property === undefined || property.readOnly || primary.properties[name] !== undefined) continue;
    filled[name] = value;
  }
  return filled;
}

const additionalEmails = 'hs_additional_emails';

/** Every e-mail a record is known by, the one it shows first. No other record may have any of them. */
export function emailsOf(properties: Values): string[] {
  const { email, [additionalEmails]: additional } = properties;
  return [...(email === undefined ? [] : [email]), ...(additional?.split(';') ?? [])];
}

/** A survivor's e-mails besides the one it shows. */
export function additionalFrom(primary: StoredRecord, other: StoredRecord): Record<string, string> {
  const [, ...additional] = new Set([...emailsOf(primary.properties), ...emailsOf(other.properties)]);
  return additional.length === 0 ? {} : { [additionalEmails]: additional.join(';') };
}

/** All ids that stand in these records, `;` joined, as `hs_merged_object_ids` lists them. */
export function mergedIds(survivorId: string, records: readonly StoredRecord[]): string {
  const ids = records.flatMap(({ id, properties }) => [
    ...(properties['hs_merged_object_ids']?.split(';') ?? []),
    id,
  ]);
  return ids.filter((id) => id !== survivorId).join(';');
}
