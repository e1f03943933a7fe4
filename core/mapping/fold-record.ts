import type { ContactFields } from '../crm/index.ts';

/**
 * What a record is to say of everybody tied to it. `primaryFor` are the people whose primary record it is, the one who names it
 * first; `others` only stand on it too, as by a shared phone, and bring their opt-out: a STOP of one is never undone by
 * another. Undefined: nobody's.
 */
export function foldRecord(
  primaryFor: readonly ContactFields[],
  others: readonly ContactFields[],
): ContactFields | undefined {
  const [named, ...further] = primaryFor;
  if (named === undefined) return undefined;
  const everybody = [...primaryFor, ...others];
  if (everybody.length === 1) return named;
  const lastActivityAt = latest(primaryFor.map((contact) => contact.lastActivityAt));
  const lastInboundAt = latest(primaryFor.map((contact) => contact.lastInboundAt));
  const windowClosesAt = latest(primaryFor.map((contact) => contact.windowClosesAt));
  const waitingSince = earliest(primaryFor.map((contact) => contact.waitingSince));
  const { optOutAt: _, waitingSince: __, formerPhones, ...alone } = named;
  return {
    ...alone,
    formerPhones: formerPhones.filter((phone) => !primaryFor.some(({ phones }) => phones.includes(phone))),
    ...(lastActivityAt === undefined ? {} : { lastActivityAt }),
    ...(lastInboundAt === undefined ? {} : { lastInboundAt }),
    ...(windowClosesAt === undefined ? {} : { windowClosesAt }),
    ...(waitingSince === undefined ? {} : { waitingSince }),
    windowState: primaryFor.some(({ windowState }) => windowState === 'open') ? 'open' : 'closed',
    ...optOutOf(everybody),
    tags: [...new Set(primaryFor.flatMap(({ tags }) => tags))].toSorted(),
    flowAnswers: Object.assign({}, ...further.map((contact) => contact.flowAnswers), named.flowAnswers),
  };
}

/** The opt-out of everybody tied to a record that is nobody's own. */
export function optOutOf(contacts: readonly ContactFields[]): Pick<ContactFields, 'optOut' | 'optOutAt'> {
  const optOutAt = latest(contacts.filter(({ optOut }) => optOut).map((contact) => contact.optOutAt));
  return {
    optOut: contacts.some(({ optOut }) => optOut),
    ...(optOutAt === undefined ? {} : { optOutAt }),
  };
}

function latest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((at) => at !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

function earliest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((at) => at !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
