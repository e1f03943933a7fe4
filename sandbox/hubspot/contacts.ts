import type { SandboxClock } from '../clock.ts';
import type { Catalogue } from './catalogue.ts';
import { emailTaken, type HubspotError, invalidProperties, uniqueTaken } from './errors.ts';
import { portal } from './portal.ts';
import type { HubspotRules } from './rules.ts';
import { isoTime } from './values.ts';
import { objectionToNew, readValues } from './written-values.ts';

type Values = Readonly<Record<string, string>>;

/** A contact as a reader sees it, now or earlier. */
export interface Seen {
  readonly id: string;
  /** As read back, without empty ones. */
  readonly properties: Values;
}

export interface Contact extends Seen {
  readonly archived: boolean;
}

interface StoredContact extends Contact {
  properties: Values;
  archived: boolean;
  /** Earlier states, oldest first, while they are kept. `properties` undefined = no such record then. */
  past: { readonly until: number; readonly properties: Values | undefined }[];
}

/** One record's part of a write that has been checked and not yet made. */
export interface Draft {
  readonly id: string;
  readonly contact: Contact | undefined;
  readonly values: Record<string, string>;
}

/** A write of any number of records, made at once or not at all. */
export interface Writing {
  /** Checks one record's new values: against the portal's properties, the records there are, and this write's others. */
  draft(
    target: Contact | Draft | undefined,
    raw: Readonly<Record<string, unknown>>,
    required?: readonly string[],
  ): Draft | HubspotError;
  commit(): void;
}

/** id, then the values that changed; '' = emptied. */
export type RecordChange = readonly [id: string, changes: Values];

export type ContactsChange =
  | { readonly kind: 'records'; readonly records: readonly RecordChange[]; readonly archived?: boolean }
  | { readonly kind: 'archived'; readonly ids: readonly string[] };

interface Page {
  readonly limit?: number | undefined;
  readonly after?: string | undefined;
}

export interface Contacts {
  /** By `hs_object_id` or a unique property; archived ones are not found. */
  find(idProperty: string, value: string): Contact | undefined;
  /** What was so at `readAt`, milliseconds since the Unix epoch, or is now. */
  read(idProperty: string, value: string, readAt: number | undefined): Seen | undefined;
  /** By ascending id, from after `after`. */
  list(page: Page, readAt: number | undefined): Seen[];
  writing(): Writing;
  archive(id: string): void;
  keepPast(keep: boolean): void;
  /** Takes in changes without checking or journalling them; `archived`: of records archived since. */
  apply(changes: readonly RecordChange[], archived?: boolean): void;
  applyArchived(ids: readonly string[]): void;
  forget(property: string): void;
  all(): Iterable<Contact>;
}

const firstId = 101;

export function createContacts({
  clock,
  catalogue,
  rules,
  append,
}: {
  clock: SandboxClock;
  catalogue: Catalogue;
  rules: () => HubspotRules;
  append: (change: ContactsChange) => void;
}): Contacts {
  const byId = new Map<string, StoredContact>();
  /** Ascending by id. */
  const inOrder: StoredContact[] = [];
  const byUnique = new Map<string, Map<string, string>>();
  const withPast = new Set<StoredContact>();
  let keepsPast = false;
  let nextId = firstId;

  const indexOf = (property: string): Map<string, string> => {
    let index = byUnique.get(property);
    if (index === undefined) byUnique.set(property, (index = new Map()));
    return index;
  };

  const reindex = (id: string, before: Values, after: Values): void => {
    for (const property of catalogue.unique) {
      const [old, value] = [before[property], after[property]];
      if (old === value) continue;
      if (old !== undefined) indexOf(property).delete(old);
      if (value !== undefined) indexOf(property).set(value, id);
    }
  };

  const remember = (contact: StoredContact, properties: Values | undefined): void => {
    if (!keepsPast) return;
    contact.past.push({ until: clock.now(), properties });
    withPast.add(contact);
  };

  const insert = (id: string): StoredContact => {
    const contact: StoredContact = { id, properties: {}, archived: false, past: [] };
    byId.set(id, contact);
    inOrder.push(contact);
    nextId = Math.max(nextId, Number(id) + 1);
    return contact;
  };

  const apply = (changes: readonly RecordChange[], archived = false): void => {
    for (const [id, values] of changes) {
      const known = byId.get(id);
      const contact = known ?? insert(id);
      const properties: Record<string, string> = { ...contact.properties, ...values };
      for (const name in values) if (values[name] === '') delete properties[name];
      // Its unique values may stand on another record by now.
      if (!archived || rules().archivedKeepsUniqueValues) reindex(id, contact.properties, properties);
      remember(contact, known?.properties);
      contact.properties = properties;
      contact.archived = archived;
    }
  };

  const applyArchived = (ids: readonly string[]): void => {
    for (const id of ids) {
      const contact = byId.get(id);
      if (contact === undefined || contact.archived) continue;
      remember(contact, contact.properties);
      contact.archived = true;
      if (!rules().archivedKeepsUniqueValues) reindex(id, contact.properties, {});
    }
  };

  const find = (idProperty: string, value: string): StoredContact | undefined => {
    const key = idProperty === 'email' ? value.toLowerCase() : value;
    const id = idProperty === 'hs_object_id' ? value : byUnique.get(idProperty)?.get(key);
    const contact = id === undefined ? undefined : byId.get(id);
    return contact?.archived === false ? contact : undefined;
  };

  const writing = (): Writing => {
    const drafts: Draft[] = [];
    const claims = new Map<string, string>();

    const conflictOf = (id: string, values: Values): HubspotError | undefined => {
      for (const property of catalogue.unique) {
        const value = values[property];
        if (value === undefined || value === '') continue;
        const holderId = claims.get(`${property}\0${value}`) ?? byUnique.get(property)?.get(value);
        if (holderId === undefined || holderId === id) continue;
        if (property === 'email') return emailTaken(holderId);
        return uniqueTaken({ portalId: portal.portalId, property, value, id, holderId });
      }
      return undefined;
    };

    return {
      draft(target, raw, required = []) {
        const earlier = target !== undefined && 'values' in target ? target : undefined;
        const contact = target !== undefined && 'values' in target ? target.contact : target;
        const before = contact?.properties ?? {};
        const current = earlier === undefined ? before : { ...before, ...earlier.values };
        const read = readValues(catalogue, raw, current);
        if ('problems' in read) return invalidProperties(read.problems);
        const values = earlier === undefined ? read.values : { ...earlier.values, ...read.values };
        if (contact === undefined) {
          const objection = objectionToNew(values, required);
          if (objection !== undefined) return objection;
        }
        const id = target?.id ?? String(nextId);
        const conflict = conflictOf(id, values);
        if (conflict !== undefined) return conflict;
        if (target === undefined) nextId += 1;
        for (const property of catalogue.unique) {
          const value = values[property];
          if (value !== undefined && value !== '') claims.set(`${property}\0${value}`, id);
        }
        if (earlier !== undefined) {
          Object.assign(earlier.values, values);
          return earlier;
        }
        const draft: Draft = { id, contact, values };
        drafts.push(draft);
        return draft;
      },

      commit() {
        const now = isoTime(clock.now());
        const records = drafts.flatMap((draft): RecordChange[] => {
          const { id, contact, values } = draft;
          if (contact === undefined) {
            return [
              [id, { ...withoutEmpty(values), hs_object_id: id, createdate: now, lastmodifieddate: now }],
            ];
          }
          const changes: Record<string, string> = {};
          for (const name in values) {
            const value = values[name];
            if (value !== undefined && value !== (contact.properties[name] ?? '')) changes[name] = value;
          }
          return Object.keys(changes).length === 0 ? [] : [[id, { ...changes, lastmodifieddate: now }]];
        });
        if (records.length === 0) return;
        apply(records);
        append({ kind: 'records', records });
      },
    };
  };

  return {
    find,
    read(idProperty, value, readAt) {
      if (readAt === undefined) return find(idProperty, value);
      const now = idProperty === 'hs_object_id' ? byId.get(value) : find(idProperty, value);
      for (const contact of now === undefined ? withPast : [now, ...withPast]) {
        const seen = seenAt(contact, readAt);
        if (seen?.properties[idProperty] === value) return seen;
      }
      return undefined;
    },
    list({ limit = Infinity, after }, readAt) {
      const found: Seen[] = [];
      for (
        let index = after === undefined ? 0 : firstAfter(inOrder, after);
        index < inOrder.length;
        index += 1
      ) {
        if (found.length >= limit) break;
        const contact = inOrder[index];
        const seen = contact === undefined ? undefined : seenAt(contact, readAt);
        if (seen !== undefined) found.push(seen);
      }
      return found;
    },
    writing,
    archive(id) {
      applyArchived([id]);
      append({ kind: 'archived', ids: [id] });
    },
    keepPast(keep) {
      keepsPast = keep;
      for (const contact of withPast) contact.past = [];
      withPast.clear();
    },
    apply,
    applyArchived,
    forget(property) {
      byUnique.delete(property);
      for (const contact of byId.values()) {
        if (contact.properties[property] === undefined) continue;
        const { [property]: _gone, ...properties } = contact.properties;
        contact.properties = properties;
      }
    },
    all: () => byId.values(),
  };
}

function withoutEmpty(values: Values): Values {
  const kept: Record<string, string> = {};
  for (const name in values) {
    const value = values[name];
    if (value !== undefined && value !== '') kept[name] = value;
  }
  return kept;
}

function seenAt(contact: StoredContact, readAt: number | undefined): Seen | undefined {
  const past = readAt === undefined ? undefined : contact.past.find(({ until }) => until > readAt);
  if (past === undefined) return contact.archived ? undefined : contact;
  return past.properties === undefined ? undefined : { id: contact.id, properties: past.properties };
}

/** Index of the first record whose id is greater. */
function firstAfter(contacts: readonly Contact[], after: string): number {
  let low = 0;
  let high = contacts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (Number(contacts[middle]?.id) > Number(after)) high = middle;
    else low = middle + 1;
  }
  return low;
}
