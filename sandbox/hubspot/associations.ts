/** A communication, then the contact whose timeline it stands on. */
export type Association = readonly [communicationId: string, contactId: string];

/** Which communications stand on which contacts. Says nothing of whether either is archived. */
export interface Associations {
  contactsOf(communicationId: string): Iterable<string>;
  communicationsOf(contactId: string): Iterable<string>;
  add(pairs: readonly Association[]): void;
  /** All that stood on the contact `from` stands on `to`. */
  move(from: string, to: string): void;
  /** Nothing has to do with this record any more. */
  remove(type: 'contacts' | 'communications', id: string): void;
  all(): Iterable<Association>;
}

export function createAssociations(): Associations {
  const contactsOf = new Map<string, Set<string>>();
  const communicationsOf = new Map<string, Set<string>>();

  const add = (pairs: readonly Association[]): void => {
    for (const [communicationId, contactId] of pairs) {
      addTo(contactsOf, communicationId, contactId);
      addTo(communicationsOf, contactId, communicationId);
    }
  };

  const remove: Associations['remove'] = (type, id) => {
    const [own, others] =
      type === 'contacts' ? [communicationsOf, contactsOf] : [contactsOf, communicationsOf];
    for (const other of own.get(id) ?? []) others.get(other)?.delete(id);
    own.delete(id);
  };

  return {
    contactsOf: (id) => contactsOf.get(id) ?? [],
    communicationsOf: (id) => communicationsOf.get(id) ?? [],
    add,
    move(from, to) {
      add([...(communicationsOf.get(from) ?? [])].map((communicationId) => [communicationId, to] as const));
      remove('contacts', from);
    },
    remove,
    *all() {
      for (const [communicationId, contactIds] of contactsOf) {
        for (const contactId of contactIds) yield [communicationId, contactId];
      }
    },
  };
}

function addTo(index: Map<string, Set<string>>, key: string, value: string): void {
  const values = index.get(key);
  if (values === undefined) index.set(key, new Set([value]));
  else values.add(value);
}
