import { describe, TestRunner } from 'vitest';
import type { OpenAccount } from './account.ts';
import { accounts } from './accounts.ts';
import { consent } from './consent.ts';
import { creating } from './creating.ts';
import { deals } from './deals.ts';
import { fields } from './fields.ts';
import { lives } from './lives.ts';
import { people } from './people.ts';
import { phoneLists } from './phone-lists.ts';
import { policies } from './policies.ts';
import { shared } from './shared.ts';
import { type SetUp, setUpFor } from './set-up.ts';
import { rests, timeline } from './timeline.ts';
import { told } from './told.ts';
import { trouble } from './trouble.ts';

/**
 * What the engine promises of every CRM, told in the words of the port: the same sentences for each. `open` opens an
 * account of its own for every test.
 */
export function describeConformance(label: string, open: OpenAccount): void {
  const setUp = setUpFor(open);
  describe(`${label}: accounts side by side`, () => accounts(setUp));
  describe(`${label}: a new record`, () => creating(setUp));
  describe(`${label}: when calls fail`, () => trouble(setUp));
  describe(`${label}: whose record it is`, () => people(setUp));
  describe(`${label}: lists of phones`, () => phoneLists(setUp));
  describe(`${label}: records and people, many to many`, () => shared(setUp));
  describe(`${label}: who becomes a record`, () => policies(setUp));
  describe(`${label}: who decides a field`, () => fields(setUp));
  describe(`${label}: consent`, () => consent(setUp));
  for (const news of ['webhooks', 'polls', 'nothing'] as const) {
    describe(`${label}: records that are merged and deleted, told by ${news}`, () =>
      lives(news === 'webhooks' ? whereTold(setUp) : setUp, news));
  }
  for (const news of ['webhooks', 'polls'] as const) {
    describe(`${label}: what the CRM tells by ${news}`, () =>
      told(news === 'webhooks' ? whereTold(setUp) : setUp, news));
  }
  describe(`${label}: people's deals`, () => deals(setUp));
  describe(`${label}: the timeline`, () => {
    timeline(setUp);
    rests(setUp);
  });
}

/** What webhooks tell is left out, with the CRM's own reason, where it sends none. */
function whereTold(setUp: SetUp): SetUp {
  return async (options) => {
    const set = await setUp(options);
    const reason = set.crm.account.lacks.webhooks;
    if (reason !== undefined) TestRunner.getCurrentTest()?.context.skip(reason);
    return set;
  };
}
