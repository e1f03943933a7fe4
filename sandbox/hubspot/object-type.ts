import type { HubspotError } from './errors.ts';
import type { PropertyDefinition, PropertyGroup } from './property.ts';
import type { HubspotRules } from './rules.ts';

/** A type of record the portal has, as data: what distinguishes contacts from communications. */
export interface ObjectType {
  /** As paths and the journal name it. */
  readonly name: 'contacts' | 'communications';
  /** As messages name one of them. */
  readonly singular: 'CONTACT' | 'COMMUNICATION';
  readonly groups: readonly PropertyGroup[];
  readonly properties: readonly PropertyDefinition[];
  /** HubSpot's own unique properties; the portal's come on top. */
  readonly unique: readonly string[];
  /** Whether an app may make unique properties of this type. */
  mayBeUnique(rules: HubspotRules): boolean;
  /** What a read gives when it asks for no properties. */
  readonly defaultProperties: readonly string[];
  readonly createdAt: string;
  readonly modifiedAt: string;
  /** What a new record lacks. */
  objectionToNew(values: Readonly<Record<string, string>>): HubspotError | undefined;
}

/** What every answer about a record carries. From memory. */
export function systemProperties({ createdAt, modifiedAt }: ObjectType): readonly string[] {
  return [createdAt, 'hs_object_id', modifiedAt];
}
