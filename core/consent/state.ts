/** The consent ledger's entries and the state they add up to (docs/design.md §3.2 Consent). */

export type ConsentPurpose = 'marketing' | 'everything';
export type ConsentAction = 'grant' | 'withdrawal';

/** How we know, weakest first; decides between entries of one instant. `crm`: somebody else said so, in a CRM's field. */
export const evidenceRanks = { crm: 0, keyword: 1, 'provider error': 2, button: 3, preference: 4 } as const;
export type ConsentMethod = keyof typeof evidenceRanks;

export interface ConsentEntry {
  readonly purpose: ConsentPurpose;
  readonly action: ConsentAction;
  /** Milliseconds, the source's time. */
  readonly effectiveAt: number;
  readonly rank: number;
  /** Hex of the event key: the last word when all else is equal. */
  readonly key: string;
}

export interface ConsentState {
  readonly marketing: 'granted' | 'withdrawn' | 'unknown';
  /** The person stopped every message, not only marketing. */
  readonly stoppedEverything: boolean;
  /** When the grant now in force was given. */
  readonly optInAt?: number;
  /** When the withdrawal now in force was given. */
  readonly optOutAt?: number;
}

/** Greatest = the one in force: by time, then withdrawal over grant, then rank, then key. */
function compareEntries(x: ConsentEntry, y: ConsentEntry): number {
  return (
    x.effectiveAt - y.effectiveAt ||
    Number(x.action === 'withdrawal') - Number(y.action === 'withdrawal') ||
    x.rank - y.rank ||
    (x.key < y.key ? -1 : x.key > y.key ? 1 : 0)
  );
}

function greatest<Entry extends ConsentEntry>(entries: readonly Entry[]): Entry | undefined {
  return entries.reduce<Entry | undefined>(
    (best, entry) => (best === undefined || compareEntries(entry, best) > 0 ? entry : best),
    undefined,
  );
}

/**
 * What somebody else granted cannot lift what the person withdrew (docs/design.md §3.2): it counts only where they did
 * not.
 */
function credible<Entry extends ConsentEntry>(entries: readonly Entry[]): readonly Entry[] {
  const own = greatest(entries.filter(isOwn));
  return own?.action === 'withdrawal'
    ? entries.filter((entry) => isOwn(entry) || entry.action === 'withdrawal')
    : entries;
}

function isOwn(entry: ConsentEntry): boolean {
  return entry.rank !== evidenceRanks.crm;
}

export function consentState(all: readonly ConsentEntry[]): ConsentState {
  const entries = credible(all);
  const marketing = greatest(entries);
  const everything = greatest(entries.filter((e) => e.action === 'grant' || e.purpose === 'everything'));
  return {
    marketing: marketing === undefined ? 'unknown' : marketing.action === 'grant' ? 'granted' : 'withdrawn',
    stoppedEverything: everything?.action === 'withdrawal',
    ...(marketing?.action === 'grant' ? { optInAt: marketing.effectiveAt } : {}),
    ...(marketing?.action === 'withdrawal' ? { optOutAt: marketing.effectiveAt } : {}),
  };
}

/**
 * The opt-out a phone carries over when it changes hands: it stands for the new person too, until they opt in.
 * `previous` are the entries of who held the phone before `since`.
 */
export function inheritedOptOut<Entry extends ConsentEntry>(
  previous: readonly Entry[],
  since: number,
): Entry[] {
  const before = credible(previous.filter((entry) => entry.effectiveAt < since));
  const inForce = greatest(before);
  if (inForce?.action !== 'withdrawal') return [];
  const everything = greatest(before.filter((e) => e.action === 'grant' || e.purpose === 'everything'));
  return everything?.action === 'withdrawal' && everything !== inForce ? [inForce, everything] : [inForce];
}

/**
 * The same where several people held the phone before `since`, the earliest first: it goes from one to the next until
 * somebody opts in.
 */
export function carriedOptOut<Entry extends ConsentEntry>(
  holders: readonly { readonly since: number; readonly entries: readonly Entry[] }[],
  since: number,
): Entry[] {
  return holders.reduce<Entry[]>(
    (carried, { entries }, index) =>
      inheritedOptOut([...carried, ...entries], holders[index + 1]?.since ?? since),
    [],
  );
}
