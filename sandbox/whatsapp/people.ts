/** A customer as WhatsApp knows them. */
export interface Person {
  /** Digits only, as in `wa_id`. */
  readonly phone?: string | undefined;
  /** Business-scoped user id. docs/vendors/whatsapp.md §2.2. */
  readonly userId?: string | undefined;
  readonly parentUserId?: string | undefined;
  readonly name?: string | undefined;
  /** Without `@`. */
  readonly username?: string | undefined;
  /** False: there is no WhatsApp on this phone. */
  readonly onWhatsapp?: boolean | undefined;
  /** Took back their consent to marketing, by WhatsApp's own button. docs/vendors/whatsapp.md §1.8. */
  readonly stopsMarketing?: boolean | undefined;
}

/** Who was seen, found by phone or user id, so that statuses and sends name people as Meta would. */
export interface People {
  find(ids: Pick<Person, 'phone' | 'userId'>): Person | undefined;
  /** Learns; what is left out stays as it was. */
  see(person: Person): Person;
  /** The person of `from` has these ids from now on. */
  move(from: Pick<Person, 'phone' | 'userId'>, to: Pick<Person, 'phone' | 'userId'>): void;
  all(): Iterable<Person>;
}

export function createPeople(): People {
  const byPhone = new Map<string, Person>();
  const byUserId = new Map<string, Person>();

  const find = ({ phone, userId }: Pick<Person, 'phone' | 'userId'>): Person | undefined => {
    const named = userId === undefined ? undefined : byUserId.get(userId);
    if (named !== undefined || phone === undefined) return named;
    const holder = byPhone.get(phone);
    // Another user id on the same phone is another person: the number has changed hands.
    return userId === undefined || holder?.userId === undefined ? holder : undefined;
  };

  const put = (person: Person): Person => {
    if (person.phone !== undefined) byPhone.set(person.phone, person);
    if (person.userId !== undefined) byUserId.set(person.userId, person);
    return person;
  };

  return {
    find,
    see(person) {
      const given = Object.fromEntries(Object.entries(person).filter(([, value]) => value !== undefined));
      return put({ ...find(person), ...given });
    },
    move(from, to) {
      const person = find(from);
      if (person?.phone !== undefined) byPhone.delete(person.phone);
      if (person?.userId !== undefined) byUserId.delete(person.userId);
      put({ ...person, ...to });
    },
    *all() {
      yield* new Set([...byPhone.values(), ...byUserId.values()]);
    },
  };
}
