import { withoutCountry } from './human.ts';
import type { Life } from './life.ts';
import type { Seen } from './seen.ts';

/** What must be so of records, and of what is taken for a user's doing. */

/** Everything was replayed and everything is well: nothing is left but a twin the CRM refuses. */
export function noLetterIsLeft(_life: Life, { letters, twinsRefused }: Seen): string[] {
  return letters.flatMap(({ reason, explanation }) =>
    twinsRefused && reason === 'exists' ? [] : [`letter ${reason}: ${explanation}`],
  );
}

export function eachRecordShowsItsPeoplesOptOut({ crm }: Life, seen: Seen): string[] {
  return seen.records.flatMap((record) => {
    const contactIds = seen.contactsOf.get(record.recordId) ?? [];
    if (contactIds.length === 0) return [];
    const expected = contactIds.some((contactId) => seen.optOuts.get(contactId) === true);
    return crm.isOptedOut(record) === expected
      ? []
      : [`record ${record.recordId} of ${contactIds.join(',')}: opt-out ${String(!expected)}`];
  });
}

/**
 * A STOP reaches each record that holds the phone, whoever typed it there. Nobody knows the phone of somebody erased who is
 * back by their BSUID alone.
 */
export function eachRecordWithAPhoneShowsItsOptOut({ crm, humans }: Life, seen: Seen): string[] {
  const { phoneFields } = crm.connector.traits;
  return humans
    .filter(({ index }) => seen.optOuts.get(seen.byPhone.get(index) ?? '') === true)
    .flatMap((human) =>
      seen.records
        .filter(({ values }) =>
          phoneFields.some((field) =>
            (values[field] ?? '').replace(/\D/g, '').endsWith(withoutCountry(human.phone)),
          ),
        )
        .filter((record) => !crm.isOptedOut(record))
        .map(({ recordId }) => `record ${recordId} holds ${String(human.index)}’s phone, no opt-out`),
    );
}

export function ledgerHoldsOfTheCrmWhatUsersDid(life: Life, { rows }: Seen): string[] {
  const mayGrant = life.usersClearedOptOut || life.valuesCarried;
  // What an erased person left on a record may come to somebody else.
  const mayWithdraw = life.usersSetOptOut || life.valuesCarried || life.anyRestored || life.anyErased;
  return rows.flatMap(({ table, values: { method, action, source } }) => {
    if (table !== 'consent_entries' || method !== 'crm') return [];
    if (action === 'grant' && !mayGrant) return [`ledger: a grant nobody gave ${JSON.stringify(source)}`];
    if (action === 'withdrawal' && !mayWithdraw)
      return [`ledger: a withdrawal nobody gave ${JSON.stringify(source)}`];
    return [];
  });
}

export async function occurrencesAreWhatUsersDid(life: Life): Promise<string[]> {
  if (life.lateEchoes) return [];
  const occurrences = await life.crm.occurrences();
  return occurrences.flatMap(({ recordId, field, value }) =>
    life.typed.has(`${field}|${value}`) ? [] : [`occurrence nobody made: ${recordId} ${field}=${value}`],
  );
}
