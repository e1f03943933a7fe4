import type { KeptLink } from '../../store/index.ts';
import type { Regrouped } from './restructure.ts';

/** A contact's link in one connection. */
export interface ContactLink extends KeptLink {
  readonly contactId: string;
}

/** Whose links are whose after contacts were joined, or parted again, in one connection. */
export interface SharedLinks {
  /** Of contacts that stand. One that several were joined into may have several primaries: rank decides which stays. */
  readonly current: readonly ContactLink[];
  /** Of contacts that are joined: what each has by itself. */
  readonly beforeJoin: readonly ContactLink[];
  /** Records that were tied by a phone: the phones say to whom from now on. */
  readonly byPhone: readonly string[];
}

/**
 * Links go with contacts. Who is somebody of their own again has the links they had before they were joined, and of those
 * that came since, the ones of records made under their id; what a member decided meanwhile holds for whose record it
 * was about, and else for the contact that stood for all.
 */
export function shareLinks(input: {
  readonly regrouped: readonly Regrouped[];
  /** Of contacts that stood. */
  readonly current: readonly ContactLink[];
  /** Of contacts that were joined: what each had by itself. */
  readonly beforeJoin: readonly ContactLink[];
  /** Where a record lives on. */
  readonly livesOn: (recordId: string) => string;
  /** The contact under whose id a record was made. */
  readonly madeFor: ReadonlyMap<string, string>;
}): SharedLinks {
  const { regrouped, livesOn, madeFor } = input;
  const currentOf = Map.groupBy(input.current, ({ contactId }) => contactId);
  const keptOf = Map.groupBy(input.beforeJoin, ({ contactId }) => contactId);
  const groups = Map.groupBy(regrouped, ({ before }) => before);
  const ownOf = new Map<string, readonly KeptLink[]>();
  for (const [survivor, members] of groups) {
    const links = currentOf.get(survivor) ?? [];
    if (members.length === 1) ownOf.set(survivor, links);
    else {
      const kept = new Map(
        members.map(({ contactId }) => [
          contactId,
          combined(
            (keptOf.get(contactId) ?? []).map((link) => ({ ...link, recordId: livesOn(link.recordId) })),
          ),
        ]),
      );
      for (const [contactId, own] of sharedOut(survivor, links, kept, madeFor)) ownOf.set(contactId, own);
    }
  }

  const current: ContactLink[] = [];
  const beforeJoin: ContactLink[] = [];
  for (const [survivor, members] of Map.groupBy(regrouped, ({ after }) => after)) {
    const ids = new Set(members.map(({ contactId }) => contactId));
    const parts = [...Map.groupBy(members, ({ before }) => before)].flatMap(([from, some]) =>
      some.length === groups.get(from)?.length
        ? (currentOf.get(from) ?? [])
        : some.flatMap(({ contactId }) => ownOf.get(contactId) ?? []),
    );
    current.push(...combined(parts).map((link) => ({ ...link, contactId: survivor })));
    if (ids.size === 1) continue;
    for (const contactId of ids)
      beforeJoin.push(...(ownOf.get(contactId) ?? []).map((link) => ({ ...link, contactId })));
  }
  const byPhone = [...input.current, ...beforeJoin].flatMap(({ reason, recordId }) =>
    reason === 'phone' ? [recordId] : [],
  );
  return { current, beforeJoin, byPhone: [...new Set(byPhone)].toSorted() };
}

/** What of a joined contact's links is each member's own. */
function sharedOut(
  survivor: string,
  links: readonly KeptLink[],
  kept: ReadonlyMap<string, readonly KeptLink[]>,
  madeFor: ReadonlyMap<string, string>,
): ReadonlyMap<string, readonly KeptLink[]> {
  const now = new Map(links.map((link) => [link.recordId, link]));
  const shares = new Map(
    [...kept].map(([contactId, own]) => [
      contactId,
      own.flatMap((link): KeptLink[] => {
        const current = now.get(link.recordId);
        if (current === undefined) return [];
        return [current.partedAt === null ? link : { ...link, primary: false, partedAt: current.partedAt }];
      }),
    ]),
  );
  const give = (contactId: string, link: KeptLink): void => {
    const own = shares.get(contactId) ?? [];
    const primary = link.primary || !own.some((one) => one.primary);
    shares.set(contactId, [...own, { ...link, primary: primary && link.partedAt === null }]);
  };
  for (const link of links) {
    const { recordId, reason, partedAt } = link;
    const known = [...kept].filter(([, own]) => own.some((one) => one.recordId === recordId));
    const decided = reason === 'member' && link.primary && partedAt === null;
    if (known.length === 0) {
      if (reason === 'phone' && partedAt === null) continue;
      const maker = madeFor.get(recordId) ?? survivor;
      const contactId = shares.has(maker) ? maker : survivor;
      give(contactId, link);
      if (decided) makePrimary(shares, contactId, link);
    } else if (decided) {
      const isOld = known.some(([, own]) =>
        own.some((one) => one.recordId === recordId && one.primary && one.reason === 'member'),
      );
      if (!isOld) for (const [contactId] of known) makePrimary(shares, contactId, link);
    }
  }
  return shares;
}

/** A member's word about whose record it is. */
function makePrimary(shares: Map<string, KeptLink[]>, contactId: string, link: KeptLink): void {
  const own = shares.get(contactId) ?? [];
  shares.set(contactId, [
    ...own.filter(({ recordId }) => recordId !== link.recordId).map((one) => ({ ...one, primary: false })),
    link,
  ]);
}

/** One link a record: parted only where all are. */
function combined(links: readonly KeptLink[]): KeptLink[] {
  return [...Map.groupBy(links, ({ recordId }) => recordId)].flatMap(([, some]) => {
    const [first] = some.toSorted(
      (x, y) =>
        Number(y.primary) - Number(x.primary) || x.createdAt - y.createdAt || (x.reason < y.reason ? -1 : 1),
    );
    if (first === undefined) return [];
    const parted = some.map(({ partedAt }) => partedAt);
    const { recordId, reason } = first;
    return [
      {
        recordId,
        reason,
        primary: some.some(({ primary, partedAt }) => primary && partedAt === null),
        partedAt: parted.reduce((x, y) => (x === null || y === null ? null : Math.max(x, y))) ?? null,
        createdAt: Math.min(...some.map(({ createdAt }) => createdAt)),
      },
    ];
  });
}
