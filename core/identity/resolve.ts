import { type Anchor, type BsuidKey, type Evidence, scopeOf } from './evidence.ts';
import { UnionFind } from './union-find.ts';

/** A stretch of time during which one person held a phone. */
interface PhoneSegment {
  readonly phone: string;
  /** Milliseconds; 0 = as far back as we know. */
  readonly since: number;
}

/** One person as far as the evidence goes. */
export interface Person {
  readonly phones: readonly PhoneSegment[];
  readonly bsuidKeys: readonly BsuidKey[];
}

export interface Resolution {
  readonly persons: readonly Person[];
  /** The person an event belongs to; undefined when none of its ids is in the evidence or was asked for. */
  personOf(anchor: Anchor): Person | undefined;
}

interface Segment extends PhoneSegment {
  readonly node: string;
  /** Scope → the BSUID group seen with the phone during this stretch. */
  readonly groups: Map<string, string>;
}

type Boundary =
  | { readonly kind: 'arrive'; readonly at: number; readonly other: string }
  | { readonly kind: 'pair'; readonly at: number; readonly other: BsuidKey }
  | { readonly kind: 'leave'; readonly at: number; readonly other: string };

/** Within one instant a person arrives on a number, is seen with it, and leaves it. */
const boundaryOrder = { arrive: 0, pair: 1, leave: 2 } as const;

/**
 * Who is who, as a pure function of the evidence set (docs/design.md §3.2 Identity).
 * A phone seen with another BSUID of the same portfolio, with no rotation between, has changed hands: what came
 * before stays with the old person. Ids in `alone` stand in no evidence but are to be known too.
 */
export function resolveIdentities(evidence: readonly Evidence[], alone: readonly string[] = []): Resolution {
  const groups = new UnionFind();
  const people = new UnionFind();
  for (const { kind, a, b } of evidence) {
    if (kind === 'same') {
      groups.join(a, b);
      people.join(a, b);
    } else if (kind === 'pair') {
      groups.add(b);
      people.add(b);
    } else if (kind === 'joined' || kind === 'phone_change') {
      for (const id of [a, b]) if (!id.startsWith('+')) people.add(id);
    }
  }
  for (const id of alone) if (!id.startsWith('+')) people.add(id);

  const segments = new Map<string, Segment[]>();
  for (const [phone, boundaries] of boundariesOf(evidence, alone)) {
    segments.set(phone, cutSegments(phone, boundaries, groups, people));
  }
  const nodeAt = (id: string, at: number): string | undefined =>
    id.startsWith('+') ? segmentAt(segments.get(id), at)?.node : id;
  for (const item of evidence) {
    if (item.kind !== 'phone_change' && item.kind !== 'joined') continue;
    const { aAt, bAt } = item.kind === 'joined' ? item : { aAt: item.at, bAt: item.at };
    const [x, y] = [nodeAt(item.a, aAt), nodeAt(item.b, bAt)];
    if (x !== undefined && y !== undefined) people.join(x, y);
  }

  return asResolution(segments, people);
}

function boundariesOf(
  evidence: readonly Evidence[],
  alone: readonly string[],
): ReadonlyMap<string, Boundary[]> {
  const byPhone = new Map<string, Boundary[]>();
  const at = (phone: string): Boundary[] => {
    const known = byPhone.get(phone);
    if (known !== undefined) return known;
    const fresh: Boundary[] = [];
    byPhone.set(phone, fresh);
    return fresh;
  };
  for (const item of evidence) {
    if (item.kind === 'pair') at(item.a).push({ kind: 'pair', at: item.at, other: item.b });
    if (item.kind === 'hand_over') at(item.a).push({ kind: 'leave', at: item.at - 1, other: '' });
    if (item.kind === 'joined') for (const id of [item.a, item.b]) if (id.startsWith('+')) at(id);
    if (item.kind === 'phone_change') {
      if (item.a.startsWith('+')) at(item.a).push({ kind: 'leave', at: item.at, other: item.b });
      if (item.b.startsWith('+')) at(item.b).push({ kind: 'arrive', at: item.at, other: item.a });
    }
  }
  for (const id of alone) if (id.startsWith('+')) at(id);
  for (const boundaries of byPhone.values()) {
    boundaries.sort(
      (x, y) => x.at - y.at || boundaryOrder[x.kind] - boundaryOrder[y.kind] || (x.other < y.other ? -1 : 1),
    );
  }
  return byPhone;
}

function cutSegments(
  phone: string,
  boundaries: readonly Boundary[],
  groups: UnionFind,
  people: UnionFind,
): Segment[] {
  const segments: Segment[] = [];
  const open = (since: number): Segment => {
    const node = `${phone}|${String(segments.length)}`;
    const segment: Segment = { phone, since, node, groups: new Map() };
    segments.push(segment);
    people.add(segment.node);
    return segment;
  };
  let current = open(0);
  for (const boundary of boundaries) {
    if (boundary.kind === 'leave') current = open(boundary.at + 1);
    else if (boundary.kind === 'arrive') current = open(boundary.at);
    else {
      const scope = scopeOf(boundary.other);
      const group = groups.find(boundary.other);
      const held = current.groups.get(scope);
      if (held !== undefined && held !== group) current = open(boundary.at);
      current.groups.set(scope, group);
      people.join(current.node, boundary.other);
    }
  }
  return segments;
}

function segmentAt(segments: readonly Segment[] | undefined, at: number): Segment | undefined {
  return segments?.findLast((segment) => segment.since <= at) ?? segments?.[0];
}

function asResolution(segments: ReadonlyMap<string, Segment[]>, people: UnionFind): Resolution {
  const byRoot = new Map<string, { phones: PhoneSegment[]; bsuidKeys: BsuidKey[] }>();
  const personAt = (node: string): { phones: PhoneSegment[]; bsuidKeys: BsuidKey[] } => {
    const root = people.find(node);
    const known = byRoot.get(root);
    if (known !== undefined) return known;
    const fresh = { phones: [], bsuidKeys: [] };
    byRoot.set(root, fresh);
    return fresh;
  };
  for (const [phone, ofPhone] of segments) {
    for (const [index, segment] of ofPhone.entries()) {
      const person = personAt(segment.node);
      // A phone that changed hands twice in one instant: nobody in between held it for any time.
      if (ofPhone[index + 1]?.since === segment.since) continue;
      person.phones.push({ phone, since: segment.since });
    }
  }
  for (const node of people.members()) if (node.startsWith('bsuid:')) personAt(node).bsuidKeys.push(node);
  return {
    persons: [...byRoot.values()],
    personOf: ({ phone, bsuidKey, at }) => {
      // A BSUID is one person's for good: where one is shown, the phone beside it has no say.
      if (bsuidKey !== undefined) return people.has(bsuidKey) ? byRoot.get(people.find(bsuidKey)) : undefined;
      if (phone === undefined) return undefined;
      const segment = segmentAt(segments.get(phone), at);
      return segment === undefined ? undefined : byRoot.get(people.find(segment.node));
    },
  };
}
