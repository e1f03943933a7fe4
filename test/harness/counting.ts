import { readStatement } from '@sangam/core/corrections';
import type { Store } from '@sangam/core/store';
import { sql } from 'kysely';
import type { ServiceFixture } from './service-fixture.ts';
import { until } from './until.ts';
import { type Change, echo, type Person, status, text } from './whatsapp.ts';

/** Traffic whose every message can be told from every other, and what it must have come to, counted from outside. */

export interface Sent {
  /** With a phone and a name of two words. */
  readonly person: Person & { readonly phone: string };
  /** What was said, in and out; each stands once on the timeline of this person's record and nowhere else. */
  readonly words: readonly string[];
  /** What was withdrawn and granted, in the order it was: one `STOP` or `START` each. */
  readonly consent: readonly ConsentWord[];
}

type ConsentWord = 'STOP' | 'START';

export interface Traffic {
  readonly everybody: readonly Sent[];
  /** In the order they happened: in the first everybody's first words, in the second everybody's second. */
  readonly rounds: readonly (readonly Change[])[];
}

/** Of five people in a row. */
const consents: readonly (readonly ConsentWord[])[] = [
  ['STOP'],
  ['STOP', 'START', 'STOP'],
  ['STOP', 'START'],
  [],
  [],
];

/** Everybody writes `each` times, gets an answer that is read; some then say STOP, or START. From `start` on, in ms. */
export function trafficOf(people: number, each: number, start: number): Traffic {
  const rounds: Change[][] = [];
  const everybody = Array.from({ length: people }, (_, index): Sent => {
    const person = {
      phone: `9194${String(10_000_000 + index)}`,
      bsuid: `IN.COUNT${String(index)}`,
      name: `Person ${String(index)}`,
    };
    const consent = consents[index % consents.length] ?? [];
    const words = Array.from({ length: each + 1 }, (_, part) => `w${String(index)}_${String(part)}`);
    for (const [part, said] of [...words, ...consent].entries()) {
      const at = start + (index + part * people) * 1000;
      const wamid = `wamid.${String(index)}.${String(part)}`;
      const round = (rounds[part] ??= []);
      if (part !== each) round.push(text(person, wamid, at, said));
      else {
        round.push(
          echo(person, wamid, at, said),
          status(person, wamid, at + 1000, 'delivered'),
          status(person, wamid, at + 2000, 'read'),
        );
      }
    }
    return { person, words, consent };
  });
  return { everybody, rounds };
}

/** A record of the CRM as a user sees it, whoever listed it. */
export interface SeenRecord {
  readonly phone: string;
  readonly optedOut: boolean;
  readonly timeline?: readonly { readonly text: string }[];
}

/**
 * What is not as it was sent: records, messages on timelines, opt-outs, the ledger, occurrences (nobody changed anything
 * at the CRM), dead letters, and the statements of the days. Empty: all is right.
 */
export async function problemsOf(
  { store, workspaceId }: { readonly store: Store; readonly workspaceId: string },
  everybody: readonly Sent[],
  records: readonly SeenRecord[],
  days: readonly number[],
): Promise<string[]> {
  const problems: string[] = [];
  if (records.length !== everybody.length)
    problems.push(`${String(records.length)} records of ${String(everybody.length)} people`);
  const byPhone = Map.groupBy(records, ({ phone }) => phone);
  const shownWhere = new Map<string, string[]>();
  for (const { phone, timeline = [] } of records) {
    for (const [words] of timeline.flatMap((entry) => [...entry.text.matchAll(/\bw\d+_\d+\b/g)])) {
      shownWhere.set(words, [...(shownWhere.get(words) ?? []), phone]);
    }
  }
  for (const { person, words, consent } of everybody) {
    const phone = `+${person.phone}`;
    const [record, ...twins] = byPhone.get(phone) ?? [];
    if (record === undefined || twins.length > 0) {
      problems.push(`${phone} has ${String(record === undefined ? 0 : twins.length + 1)} records`);
      continue;
    }
    if (record.optedOut !== (consent.at(-1) === 'STOP'))
      problems.push(`opt-out of ${phone} is ${String(record.optedOut)}`);
    for (const said of words) {
      const where = shownWhere.get(said) ?? [];
      if (where.length !== 1 || where[0] !== phone)
        problems.push(`${said} of ${phone} stands at [${where.join(' ')}]`);
    }
    const shown = (record.timeline ?? []).map((entry) => entry.text).join('\n');
    for (const word of ['STOP', 'START']) {
      const times = shown.split(word).length - 1;
      if (times !== consent.filter((said) => said === word).length)
        problems.push(`${word} of ${phone} stands ${String(times)} times`);
    }
  }
  problems.push(...(await ledgerProblems(store, workspaceId, everybody)));
  for (const day of new Set(days.map((at) => new Date(at).toISOString().slice(0, 10)))) {
    const statement = await readStatement(store, workspaceId, day, 'UTC');
    if (!statement.balances)
      problems.push(`the statement of ${day} does not balance: ${JSON.stringify(statement)}`);
  }
  return problems;
}

async function ledgerProblems(
  store: Store,
  workspaceId: string,
  everybody: readonly Sent[],
): Promise<string[]> {
  return store.transact(workspaceId, async (trx) => {
    const { rows: letters } = await sql<{ reason: string; explanation: string }>`
      select reason, explanation from dead_letters where workspace_id = ${workspaceId}`.execute(trx);
    const { rows: occurrences } = await sql<{ field: string; value: string | null }>`
      select field, value from occurrences where workspace_id = ${workspaceId}`.execute(trx);
    const { rows: entries } = await sql<{
      action: string;
      source: string;
      phone: string | null;
      name: string | null;
    }>`
      select e.action, e.source, e.method, i.value as phone from consent_entries e
      left join identities i on i.workspace_id = e.workspace_id and i.contact_id = e.contact_id and i.value like '+%'
      where e.workspace_id = ${workspaceId}`.execute(trx);
    const made = entries.map(({ action, phone }) => `${action} of ${phone ?? 'nobody'}`).toSorted();
    const asked = everybody
      .flatMap(({ person, consent }) =>
        consent.map((word) => `${word === 'STOP' ? 'withdrawal' : 'grant'} of +${person.phone}`),
      )
      .toSorted();
    return [
      ...letters.map(({ reason, explanation }) => `dead letter ${reason}: ${explanation}`),
      ...occurrences.map(({ field, value }) => `occurrence ${field} = ${value ?? 'nothing'}`),
      ...difference(made, asked).map((entry) => `the ledger holds what nobody asked for: ${entry}`),
      ...difference(asked, made).map((entry) => `the ledger lacks: ${entry}`),
    ];
  });
}

/** What the first holds more often than the second. */
function difference(one: readonly string[], other: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const item of other) left.set(item, (left.get(item) ?? 0) + 1);
  return one.filter((item) => {
    const count = left.get(item) ?? 0;
    left.set(item, count - 1);
    return count <= 0;
  });
}

/** Waits until nothing is left to do. Twins that may have slipped through are looked for half an hour later. */
export async function everythingThrough(
  { store, parties: { workspaceId } }: Pick<ServiceFixture, 'store' | 'parties'>,
  withinMs: number,
): Promise<void> {
  await until(
    'everything to be applied and written',
    () =>
      store.transact(workspaceId, async (trx) => {
        const { rows } = await sql<{ waits: boolean }>`
          select exists (select 1 from inbox where workspace_id = ${workspaceId})
              or exists (select 1 from dirty_records where workspace_id = ${workspaceId})
              or exists (select 1 from timeline_entries
                         where workspace_id = ${workspaceId} and due_at is not null and not twin_check) as waits`.execute(
          trx,
        );
        return rows[0]?.waits === false;
      }),
    withinMs,
  );
}

/** The account is empty, and that is known: nobody has to be searched for, five times a second. */
export async function wholeAccountScanned({
  store,
  parties: { workspaceId },
}: ServiceFixture): Promise<void> {
  await store.transact(workspaceId, async (trx) => {
    await trx
      .updateTable('crm_scan_states')
      .set({ indexed_at: Date.now() })
      .where('workspace_id', '=', workspaceId)
      .execute();
  });
}
