import type { StoredRow } from '../harness/every-row.ts';
import { type Human, tokensOf } from './human.ts';
import type { Life } from './life.ts';
import type { Seen } from './seen.ts';

/** What must be so of those who were erased: only what a user typed, on somebody else's record, still tells of them. */

/** With each, what may stand nowhere: not what somebody who is known is called too, or had once. */
function* erasedTokens({ humans }: Life): Generator<{ readonly human: Human; readonly token: string }> {
  const ofKnown = new Set(humans.filter(({ known }) => known).flatMap(tokensOf));
  for (const human of humans)
    for (const token of human.erasedTokens) if (!ofKnown.has(token)) yield { human, token };
}

export function nothingErasedIsStored(life: Life, { rows, contactsOf }: Seen): string[] {
  return [...erasedTokens(life)].flatMap(({ human, token }) =>
    rows
      .filter((row) => row.text.includes(token) && !isTypedOccurrence(life, row))
      .map((row) => {
        const recordId = String(row.values['record_id']);
        return isTypedPhone(life, row) && contactsOf.has(recordId)
          ? `erased ${String(human.index)}: typed phone kept in crm_phones of ${recordId}`
          : `erased ${String(human.index)}: ${token} in ${lineOf(row)}`;
      }),
  );
}

function isTypedOccurrence({ typed }: Life, { table, values }: StoredRow): boolean {
  return table === 'occurrences' && typed.has(`${String(values['field'])}|${String(values['value'])}`);
}

function isTypedPhone({ typed }: Life, { table, values }: StoredRow): boolean {
  return table === 'crm_phones' && typed.has(`${String(values['field'])}|${String(values['typed'])}`);
}

function lineOf({ text }: StoredRow): string {
  return text.replaceAll('\n', ' | ').slice(0, 300);
}

export function nothingErasedStandsOnOthersRecords(life: Life, seen: Seen): string[] {
  const ofSomebody = seen.records.filter(({ recordId }) => seen.contactsOf.has(recordId));
  return [...erasedTokens(life)].flatMap(({ human, token }) =>
    ofSomebody.flatMap(({ recordId, values }) =>
      Object.entries(values)
        .filter(([field, value]) => value.includes(token) && !life.typed.has(`${field}|${value}`))
        .map(([field]) => {
          const whose = String(seen.contactsOf.get(recordId));
          return `erased ${String(human.index)}: ${token} in ${field} of ${recordId}, which is ${whose}'s`;
        }),
    ),
  );
}
