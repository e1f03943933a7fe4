import * as crm from './crm-checks.ts';
import * as erasure from './erasure-checks.ts';
import type { Life } from './life.ts';
import * as people from './people-checks.ts';
import * as rest from './rest-checks.ts';
import { see, type Seen } from './seen.ts';

/** What is wrong, a line each; nothing where it must not be so after this life. */
type Check = (life: Life, seen: Seen) => readonly string[] | Promise<readonly string[]>;

/** What must be so at the end. Another check is one more line; those that let the engine work come last. */
const checks: readonly Check[] = [
  crm.noLetterIsLeft,
  people.eachIsKnownAsThemselves,
  people.whoWasJoinedIsOne,
  people.eachHasOnePrimaryRecord,
  people.eachMessageStandsOnce,
  people.onlyUsersMakeASecondRecord,
  people.eachIsOptedOutAsTheySaid,
  crm.eachRecordShowsItsPeoplesOptOut,
  crm.eachRecordWithAPhoneShowsItsOptOut,
  crm.ledgerHoldsOfTheCrmWhatUsersDid,
  crm.occurrencesAreWhatUsersDid,
  erasure.nothingErasedIsStored,
  erasure.nothingErasedStandsOnOthersRecords,
  rest.everyStatementBalances,
  rest.nothingIsCalled,
  rest.aCheckWritesNothing,
];

export async function whatIsWrong(life: Life): Promise<string[]> {
  const seen = await see(life);
  const faults: string[] = [];
  for (const check of checks) faults.push(...(await check(life, seen)));
  return faults;
}
