import type { SandboxClock } from '../clock.ts';
import type { Association, Associations } from './associations.ts';
import type { Catalogue } from './catalogue.ts';
import { type HubspotError, validationError } from './errors.ts';
import type { ObjectType } from './object-type.ts';
import { requiringVersion } from './portal.ts';
import type { ChangeSource } from './changes.ts';
import type { Records } from './records.ts';
import type { HubspotRules } from './rules.ts';

/** What operations on records of one type work with. */
export interface RecordContext {
  readonly objectType: ObjectType;
  readonly catalogue: Catalogue;
  readonly records: Records;
  readonly clock: SandboxClock;
  readonly rules: () => HubspotRules;
  /** Whom changes through the API are put down to. */
  readonly source: ChangeSource;
}

/** The portal's records of every type and what stands between them. */
export interface Portal {
  readonly contacts: RecordContext;
  readonly communications: RecordContext;
  readonly associations: Associations;
  readonly associate: (pairs: readonly Association[]) => void;
}

/**
 * Properties an admin's create form requires, where this version of the API keeps them. docs/vendors/hubspot.md §4.1.
 */
export function requiredIn({ objectType, rules }: RecordContext, version: string): readonly string[] {
  return objectType.name === 'contacts' && /^\d/.test(version) && version >= requiringVersion
    ? rules().requiredOnCreate
    : [];
}

/** The property a caller names a record by. `phone` and the like are none: they are not unique. */
export function objectionToIdProperty(
  { objectType, catalogue }: RecordContext,
  idProperty: string,
): HubspotError | undefined {
  return idProperty === 'hs_object_id' || catalogue.unique.has(idProperty)
    ? undefined
    : validationError(`Property ${idProperty} is not a unique property of ${objectType.name}.`);
}
