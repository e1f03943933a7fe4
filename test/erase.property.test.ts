import { phoneCandidates } from '@sangam/core/identity';
import { createEraser } from '@sangam/core/corrections';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  anyChange,
  type Change,
  createEngineFixture,
  type EngineFixture,
  engineNow,
  everyStoredRow,
  message,
  type StoredRow,
  text,
  webhook,
} from './harness/index.ts';

let engine: EngineFixture;
beforeAll(async () => {
  engine = await createEngineFixture();
});
afterAll(() => engine.close());

const member = '6a1a4d6a-0000-4000-8000-000000000001';
const eraser = () =>
  createEraser({
    store: engine.store,
    clock: { now: () => engineNow },
    keyOf: () => Promise.resolve(Buffer.alloc(32, 7)),
    traitsOf: () => undefined,
  });

/** What everybody says: whoever is erased, others have written it too, and keep it. */
const mentions = 'not 919811111111, 919822222222, 5511987654321, IN.A1, IN.B2 nor IN.C3, out0, w1, w2';

/** Words nobody else says, so that a trace of them can be told. */
function saying(change: Change, secret: string): Change {
  const said = JSON.stringify(change).replaceAll(
    /"body":"([^"]*)"/g,
    (_, words: string) =>
      `"body":"${['STOP', 'start', 'stop all'].includes(words) ? words : `${mentions} ${secret}`}"`,
  );
  return JSON.parse(said) as Change;
}

const people = fc
  .array(anyChange, { minLength: 1, maxLength: 9 })
  .map((changes) => changes.map((change, index) => saying(change, `secret${String(index)}.`)));

interface Erased {
  readonly contactIds: readonly string[];
  /** Of nobody else ever. */
  readonly own: readonly string[];
  readonly known: readonly string[];
}

const idOf = (values: StoredRow['values']): string =>
  typeof values['contact_id'] === 'string' ? values['contact_id'] : '';

/** What the rows say of a contact: nothing here is asked of the code that erases. */
function erasedIn(rows: readonly StoredRow[], contactId: string): Erased {
  const contactIds = rows.flatMap(({ table, values }) =>
    table === 'contacts' && (values['contact_id'] === contactId || values['merged_into'] === contactId)
      ? [String(values['contact_id'])]
      : [],
  );
  const identities = rows.filter(({ table }) => table === 'identities').map(({ values }) => values);
  const held = identities.flatMap((row) => (contactIds.includes(idOf(row)) ? [String(row['value'])] : []));
  const others = new Set(
    identities.flatMap((row) =>
      row['contact_id'] !== null && !contactIds.includes(idOf(row)) ? [String(row['value'])] : [],
    ),
  );
  return { contactIds, known: held, own: held.filter((value) => !others.has(value)) };
}

/** As the outside spells an id. */
function spellings(values: readonly string[]): string[] {
  return values.flatMap((value) =>
    value.startsWith('+')
      ? phoneCandidates(value).map((phone) => phone.slice(1))
      : [value.slice(value.lastIndexOf(':') + 1)],
  );
}

const plain = ({ text: row }: StoredRow): string => row.replaceAll(mentions, '');
const holds = (row: StoredRow, words: readonly string[]): boolean =>
  words.some((word) => plain(row).includes(word));
const contentOf = ({ values }: StoredRow): string => String(values['content']);
const nameOf = (row: StoredRow): string => `${row.table} ${row.text}`;
const payloads = new Set(['inbox', 'dead_letters', 'kept_events']);

/** Whether a row that went was theirs to go. */
function wasTheirs(row: StoredRow, erased: Erased, lostEvents: ReadonlySet<string>): boolean {
  const { own } = erased;
  const { values } = row;
  if (payloads.has(row.table)) return holds(row, spellings(erased.known));
  if (row.table === 'suppression') {
    return own.includes(String(values['value'])) || lostEvents.has(String(values['event_key']));
  }
  if (row.table === 'identity_evidence')
    return [values['a'], values['b']].some((id) => own.includes(String(id)));
  if (row.table === 'identities' && own.includes(String(values['value']))) return true;
  if (values['contact_id'] !== null) return erased.contactIds.includes(idOf(values));
  return own.includes(String(values['phone'])) || own.includes(String(values['bsuid_key']));
}

const written = new Set(['counts', 'erased_identities', 'erased_opt_outs', 'erasures', 'audit']);

/** What remains of a time during which they had what others had too: that it was nobody's known, and where it begins and ends. */
function isNobodys({ table, values }: StoredRow, { own, known }: Erased): boolean {
  const shared = (value: unknown): boolean => known.includes(String(value)) && !own.includes(String(value));
  if (table === 'identities') return values['contact_id'] === null && shared(values['value']);
  return table === 'identity_evidence' && values['kind'] === 'hand_over' && shared(values['a']);
}

describe('erasing somebody', () => {
  test('leaves somebody else’s event alone that nobody applies and that bears the id of a message of theirs', async () => {
    await engine.forgetEverything();
    const at = engineNow - 60_000;
    await engine.receive(webhook(engine, [text({ phone: '551187654321', name: 'Asha' }, 'w2', at, 'hello')]));
    await engine.applyAll();
    const other = message({ phone: '919811111111' }, 'w2', at, {
      type: 'system',
      system: { type: 'user_changed_number', wa_id: '919811111111' },
    });
    await engine.receive(webhook(engine, [other]));
    const rows = await everyStoredRow(engine.store, engine.workspaceId);
    const contactId = rows.find(({ table }) => table === 'contacts')?.values['contact_id'];
    await eraser().erase({ workspaceId: engine.workspaceId, memberId: member }, String(contactId));
    const after = await everyStoredRow(engine.store, engine.workspaceId);
    expect(after.filter(({ table }) => table === 'inbox')).toHaveLength(1);
  });

  test('leaves no trace of theirs in any row, and changes no row of anybody else', async () => {
    await fc.assert(
      fc.asyncProperty(people, people, fc.nat(), async (applied, waiting, choice) => {
        await engine.forgetEverything();
        for (const change of applied) await engine.receive(webhook(engine, [change]));
        await engine.applyAll();
        const late = waiting.map((change, index) => saying(change, `late${String(index)}.`));
        await engine.receive(webhook(engine, late));
        await engine.receive(webhook({ phoneNumberId: '1', wabaId: '2' }, late));
        await engine.receive(
          webhook(engine, [text({ phone: '919833333333' }, 'bystander', engineNow - 1000, mentions)]),
        );

        const before = await everyStoredRow(engine.store, engine.workspaceId);
        const survivors = before.flatMap(({ table, values }) =>
          table === 'contacts' && values['merged_into'] === null ? [String(values['contact_id'])] : [],
        );
        const contactId = survivors[choice % Math.max(survivors.length, 1)];
        fc.pre(contactId !== undefined);
        const erased = erasedIn(before, contactId);
        const secrets = before.flatMap((row) =>
          row.table.startsWith('message') && erased.contactIds.includes(String(row.values['contact_id']))
            ? (row.text.match(/secret\d+\./g) ?? [])
            : [],
        );
        const { workspaceId } = engine;
        expect(await eraser().erase({ workspaceId, memberId: member }, contactId)).toBeDefined();
        const after = await everyStoredRow(engine.store, engine.workspaceId);

        const traces = [...spellings(erased.own), ...erased.contactIds, ...secrets];
        // What somebody else wrote showed a phone as theirs that is known to be the erased one's: their words stay whole.
        const beside = (row: StoredRow): StoredRow =>
          row.table.startsWith('message') && row.values['contact_id'] !== null
            ? { ...row, text: row.text.replace(contentOf(row), '') }
            : row;
        expect(after.filter((row) => holds(beside(row), traces)).map(nameOf)).toEqual([]);

        const left = new Set(after.map(nameOf));
        const lost = before.filter((row) => !left.has(nameOf(row)));
        const lostEvents = new Set(
          lost.filter(({ table }) => payloads.has(table)).map(({ values }) => String(values['event_key'])),
        );
        // Another's content under the same id is shown in place of theirs, on their timeline too.
        const was = new Set(before.map(nameOf));
        const fresh = after.filter((row) => !was.has(nameOf(row)));
        const kept = new Map(
          before.filter(({ table }) => table === 'message_contents').map((row) => [contentOf(row), row]),
        );
        const shown = fresh.filter((row) => row.table === 'messages' && kept.has(contentOf(row)));
        const shownBy = new Set(shown.map(({ values }) => values['contact_id']));
        const isShown = (row: StoredRow): boolean =>
          (row.table.startsWith('message') && shown.some((one) => contentOf(one) === contentOf(row))) ||
          (row.table === 'timeline_entries' && shownBy.has(row.values['contact_id']));
        // Of somebody else's row that named them too, only that goes.
        const withoutIds = ({ table, values }: StoredRow): string =>
          table + JSON.stringify({ ...values, phone: null, bsuid_key: null });
        const mixed = new Set(
          before
            .filter(({ values }) =>
              [values['phone'], values['bsuid_key']].some((id) => erased.own.includes(String(id))),
            )
            .map(withoutIds),
        );
        const isMixed = (row: StoredRow): boolean =>
          row.values['contact_id'] !== null && 'bsuid_key' in row.values && mixed.has(withoutIds(row));
        // The opt-out that came to them with a number of the erased stays in force, as theirs.
        const isInherited = ({ table, values }: StoredRow): boolean =>
          table === 'consent_entries' && values['source'] === 'came with the phone';
        // What was said of opt-outs that are dead letters is over once none is left.
        const isOver = ({ table, values }: StoredRow): boolean =>
          table === 'alerts' &&
          !after.some(
            (row) =>
              row.table === 'dead_letters' &&
              row.values['opt_out'] !== false &&
              (row.values['reason'] === 'foreign channel') === (values['subject'] === 'foreign channel'),
          );
        const expected = (row: StoredRow): boolean =>
          written.has(row.table) || isShown(row) || isMixed(row) || isInherited(row) || isOver(row);
        const wrongly = lost.filter((row) => !expected(row) && !wasTheirs(row, erased, lostEvents));
        expect(wrongly.map(nameOf)).toEqual([]);
        expect(fresh.filter((row) => !expected(row) && !isNobodys(row, erased)).map(nameOf)).toEqual([]);
        expect(after.some((row) => row.table === 'inbox' && row.text.includes('919833333333'))).toBe(true);
      }),
      { numRuns: 80 },
    );
  });
});
