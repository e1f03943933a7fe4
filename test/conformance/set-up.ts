import { onTestFinished, type TestContext } from 'vitest';
import { createCrmFixture, type CrmFixture } from '../harness/crm-fixture.ts';
import type { CrmWorkspace, WorkspaceOptions } from '../harness/crm-workspace.ts';
import { type Change, message, type Person } from '../harness/whatsapp.ts';
import type { Capability, OpenAccount } from './account.ts';

/** A world of the running test's own with one business in it. */
export type SetUp = (options?: WorkspaceOptions) => Promise<{
  readonly fixture: CrmFixture;
  readonly crm: CrmWorkspace;
  /** Another business with a number and an account of its own. */
  readonly addAccount: (options?: WorkspaceOptions) => Promise<CrmWorkspace>;
}>;

export function setUpFor(open: OpenAccount): SetUp {
  return async (options) => {
    const fixture = await createCrmFixture();
    onTestFinished(() => fixture.close());
    return {
      fixture,
      crm: await fixture.addWorkspace(open, options),
      addAccount: (another) => fixture.addWorkspace(open, another),
    };
  };
}

/** Leaves the sentence out, with the CRM's own reason, where the CRM has no such thing. */
export function needs({ skip }: TestContext, crm: CrmWorkspace, capability: Capability): void {
  const reason = crm.account.lacks[capability];
  if (reason !== undefined) skip(reason);
}

/** The phone fields people look at first and second; without a second the sentence is left out. */
export function twoPhoneFields(context: TestContext, crm: CrmWorkspace): readonly [string, string] {
  needs(context, crm, 'several phone fields');
  const [first, second] = crm.connector.traits.phoneFields;
  if (first === undefined || second === undefined) throw new Error('Two fields for phones were expected.');
  return [first, second];
}

/** Time for the CRM's search to find what people typed a moment ago. */
export function searchCatchesUp(fixture: CrmFixture, { account }: CrmWorkspace): void {
  fixture.clock.advance(account.searchLagMs ?? 0);
}

/** How an account's news comes: it tells, or it is looked at. */
export type News = 'webhooks' | 'polls';

export const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;

/** Ten digits as people in India say their number. */
export function nationalNumber(index: number): string {
  return `98123${String(10_000 + index)}`;
}

export function somebody(index: number, name = `Person ${String(index)}`): Person {
  return { phone: `91${nationalNumber(index)}`, bsuid: `IN.PERSON${String(index)}`, name };
}

/** The answers of a WhatsApp Flow. */
export function flowAnswer(person: Person, wamid: string, at: number, answers: object): Change {
  return message(person, wamid, at, {
    type: 'interactive',
    interactive: {
      type: 'nfm_reply',
      nfm_reply: { name: 'flow', body: 'Sent', response_json: JSON.stringify(answers) },
    },
  });
}
