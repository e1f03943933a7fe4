import {
  connectionsOf,
  type CountName,
  countsBetween,
  type SendState,
  sendsBetween,
  type Store,
  unappliedBetween,
  unwrittenBetween,
  type WorkspaceTransaction,
} from '../store/index.ts';
import { boundsOf } from '../timeline/index.ts';

/** One side that must equal the sum of the others. */
interface Balance {
  readonly total: number;
  readonly parts: Readonly<Record<string, number>>;
  /** 0: it balances. Above: so many are missing from the parts; below: so many are there too often. */
  readonly missing: number;
  /** In words. */
  readonly says: string;
}

/** What became of a day's events and of what was due to CRMs. docs/design.md §5, promise 9. */
export interface Statement {
  readonly day: string;
  readonly timeZone: string;
  readonly balances: boolean;
  readonly events: Balance;
  readonly sends: Balance;
  readonly connections: readonly {
    readonly connectionId: string;
    readonly crm: string;
    readonly records: Balance;
    readonly timeline: Balance;
  }[];
}

/** `day` as `YYYY-MM-DD`, in that time zone. */
export function readStatement(
  store: Store,
  workspaceId: string,
  day: string,
  timeZone: string,
): Promise<Statement> {
  const { from, until } = boundsOf(day, timeZone);
  return store.transact(workspaceId, async (trx) => {
    const counts = await countsBetween(trx, from, until);
    const count = (name: CountName, connectionId = workspaceId): number =>
      counts.find((one) => one.connectionId === connectionId && one.name === name)?.count ?? 0;
    const open = await unappliedBetween(trx, from, until);
    const events = balance('events received', count('received'), {
      applied: count('applied'),
      kept: count('kept'),
      dropped: count('dropped'),
      'handed on': count('handed on'),
      parked: open.parked,
      waiting: open.waiting,
    });
    const sends = await sendsBalance(trx, count, from, until);
    const connections = [];
    for (const { connectionId, crm } of await connectionsOf(trx)) {
      const waiting = await unwrittenBetween(trx, connectionId, from, until);
      const of = (name: CountName): number => count(name, connectionId);
      connections.push({
        connectionId,
        crm,
        records: balance('records due', of('due'), {
          written: of('written'),
          unchanged: of('unchanged'),
          refused: of('refused'),
          'left alone': of('left alone'),
          waiting: waiting.records,
          held: waiting.held,
        }),
        timeline: timelineBalance(of, waiting),
      });
    }
    const all = [events, sends, ...connections.flatMap(({ records, timeline }) => [records, timeline])];
    return { day, timeZone, balances: all.every(({ missing }) => missing === 0), events, sends, connections };
  });
}

/** docs/design.md §5, promise 9: every send that was asked for is in exactly one state. */
async function sendsBalance(
  trx: WorkspaceTransaction,
  count: (name: CountName) => number,
  from: number,
  until: number,
): Promise<Balance> {
  const states = await sendsBetween(trx, from, until);
  const of = (...some: readonly SendState[]): number =>
    states.reduce((sum, { state, count: sends }) => (some.includes(state) ? sum + sends : sum), 0);
  return balance('sends asked for', count('sends asked'), {
    waiting: of('held', 'queued', 'claimed'),
    'under way': of('dispatched', 'accepted', 'sent'),
    delivered: of('delivered', 'read'),
    failed: of('failed'),
    refused: of('refused'),
    unknown: of('unknown'),
    unconfirmed: of('unconfirmed'),
    erased: count('sends erased'),
  });
}

/** An entry that is nowhere is missing, whether it was ever counted as due or not. */
function timelineBalance(
  of: (name: CountName) => number,
  waiting: { readonly entries: number; readonly lost: number },
): Balance {
  const parts = {
    written: of('entries written'),
    unchanged: of('entries unchanged'),
    refused: of('entries refused'),
    'left alone': of('entries left alone'),
    waiting: waiting.entries,
  };
  const accounted = Object.values(parts).reduce((sum, part) => sum + part, 0);
  const due = of('entries due');
  return balance(
    'timeline entries due',
    waiting.lost === 0 ? due : Math.max(due, accounted + waiting.lost),
    parts,
  );
}

function balance(what: string, total: number, parts: Readonly<Record<string, number>>): Balance {
  const missing = total - Object.values(parts).reduce((sum, part) => sum + part, 0);
  const says =
    missing === 0
      ? `All ${String(total)} ${what} are accounted for.`
      : missing > 0
        ? `${String(missing)} of ${String(total)} ${what} are unaccounted for.`
        : `${String(-missing)} more are accounted for than the ${String(total)} ${what}: counting began during that day, or a count is wrong.`;
  return { total, parts, missing, says };
}
