import { describe, expect, onTestFinished, test } from 'vitest';
import { openHubspotAccount } from './conformance/hubspot-account.ts';
import type { AccountFault, OpenAccount } from './conformance/account.ts';
import { hour, minute, somebody, setUpFor } from './conformance/set-up.ts';
import { openZohoAccount } from './conformance/zoho-account.ts';
import type { CrmWorkspace } from './harness/crm-workspace.ts';
import type { CrmFixture } from './harness/crm-fixture.ts';
import { type Change, problemsOf, type SeenRecord, type Traffic, trafficOf } from './harness/index.ts';
import { listen } from './harness/listen.ts';

/**
 * Promises 2, 6, 7 and 9 while a CRM fails, acts late or answers garbage. Of what came of it everything is counted: see
 * harness/counting.ts.
 */

/** `people`: of the longest test; the others take a half, a quarter and an eighth. */
const vendors: readonly { readonly label: string; readonly open: OpenAccount; readonly people: number }[] = [
  { label: 'HubSpot', open: openHubspotAccount, people: 40 },
  { label: 'Zoho CRM', open: openZohoAccount, people: 16 },
];

/** Traffic in order, in so many parts. */
function partsOf({ rounds }: Traffic, parts: number): Change[][] {
  const changes = rounds.flat();
  const size = Math.ceil(changes.length / parts);
  return Array.from({ length: parts }, (_, part) => changes.slice(part * size, (part + 1) * size));
}

async function expectCounted(fixture: CrmFixture, crm: CrmWorkspace, { everybody }: Traffic): Promise<void> {
  await crm.account.fault({});
  await fixture.ride(6 * hour);
  const records = await Promise.all(
    (await crm.records()).map(async (record): Promise<SeenRecord> => ({
      phone: crm.read(record, 'phone'),
      optedOut: crm.isOptedOut(record),
      timeline: await crm.account.user.timeline(record.recordId),
    })),
  );
  const days = [fixture.clock.now(), fixture.clock.now() - 12 * hour];
  expect(await crm.alerts()).toEqual([]);
  expect(
    await problemsOf({ store: fixture.store, workspaceId: crm.workspaceId }, everybody, records, days),
  ).toEqual([]);
}

describe.each(vendors)('$label', ({ open, people }) => {
  async function openAccount(options: { readonly limiter?: boolean } = {}): Promise<{
    fixture: CrmFixture;
    crm: CrmWorkspace;
  }> {
    const { fixture, crm } = await setUpFor(open)({ webhooks: true, ...options });
    await crm.check();
    await fixture.ride(hour);
    return { fixture, crm };
  }

  test('a fifth of all calls fail for an hour, in four ways, inside the account’s limit', async () => {
    const { fixture, crm } = await openAccount({ limiter: true });
    for (const [name, limit] of Object.entries(crm.connector.traits.limits))
      await crm.account.limit(name, limit);
    const faults: AccountFault[] = [
      { status: 503 },
      { dropConnection: 'before' },
      { dropConnection: 'after' },
      { status: 429 },
    ];
    const traffic = trafficOf(people, 3, fixture.clock.now() - hour);
    const steps = 30;
    for (const [step, changes] of partsOf(traffic, steps).entries()) {
      await crm.account.fault({ ...faults[step % faults.length], rate: 0.2 });
      await crm.receive(...changes);
      await fixture.pass((60 / steps) * minute);
    }
    await expectCounted(fixture, crm, traffic);
  });

  describe('a vendor that acts late, within the time it is given', () => {
    const lateMs = 20_000;

    test.each(['creates', 'updates'] as const)('on %s, before anything newer is written', async (on) => {
      const { fixture, crm } = await openAccount();
      const traffic = trafficOf(people / 2, 2, fixture.clock.now() - hour);
      for (const [step, changes] of traffic.rounds.entries()) {
        await crm.account.fault({ commitAfterMs: lateMs, on, times: 1 + (step % 2) });
        await crm.receive(...changes);
        await fixture.pass(minute);
        fixture.clock.advance(lateMs);
        await fixture.settle();
      }
      await expectCounted(fixture, crm, traffic);
    });

    /** The last word of the person is STOP; what comes late says otherwise. */
    async function expectStopped(fixture: CrmFixture, crm: CrmWorkspace): Promise<void> {
      fixture.clock.advance(lateMs);
      await fixture.ride(hour);
      expect(crm.isOptedOut(await crm.record())).toBe(true);
    }

    test('on a create, after a STOP was written', async () => {
      const { fixture, crm } = await openAccount();
      await crm.account.fault({ commitAfterMs: lateMs, on: 'creates', times: 1 });
      await crm.writes(somebody(1));
      await fixture.pass(8_000);
      await crm.writes(somebody(1), 'STOP');
      await fixture.settle();
      expect(crm.isOptedOut(await crm.record())).toBe(true);
      await expectStopped(fixture, crm);
    });

    test('on an update, after a STOP was written', async () => {
      const { fixture, crm } = await openAccount();
      await crm.writes(somebody(1), 'STOP');
      await fixture.ride(hour);
      await crm.account.fault({ commitAfterMs: lateMs, on: 'updates', times: 1 });
      await crm.writes(somebody(1), 'START');
      await fixture.pass(8_000);
      await crm.writes(somebody(1), 'STOP');
      await fixture.settle();
      expect(crm.isOptedOut(await crm.record())).toBe(true);
      await expectStopped(fixture, crm);
    });
  });

  describe('answers that are none of the vendor’s', () => {
    const garbage: readonly [string, AccountFault][] = [
      ['a page with 200', { garbage: 'html' }],
      ['a page with 207', { garbage: 'html', status: 207 }],
      ['a page with 404', { garbage: 'html', status: 404 }],
      ['half an answer', { garbage: 'truncated' }],
      ['418', { status: 418 }],
      ['599', { status: 599 }],
      ['a page with 400', { garbage: 'html', status: 400 }],
      ['a page with 403', { garbage: 'html', status: 403 }],
    ];

    async function ridesThrough(_what: string, fault: AccountFault): Promise<void> {
      const { fixture, crm } = await openAccount();
      const traffic = trafficOf(people / 4, 2, fixture.clock.now() - hour);
      for (const changes of partsOf(traffic, 2)) {
        await crm.account.fault(fault);
        await crm.receive(...changes);
        await fixture.pass(10 * minute);
        await crm.account.fault({});
        await fixture.pass(30 * minute);
      }
      await expectCounted(fixture, crm, traffic);
    }
    test.each(garbage)('%s: an outage of the moment', ridesThrough);

    test('a redirect: it is not followed, and nobody else learns of anybody', async () => {
      const heard: string[] = [];
      const elsewhere = await listen((request, response) => {
        heard.push(`${request.method ?? ''} ${request.url ?? ''}`);
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      });
      onTestFinished(() => elsewhere.close());
      const { fixture, crm } = await openAccount();
      const traffic = trafficOf(people / 8, 1, fixture.clock.now() - hour);
      await crm.account.fault({ redirectTo: `${elsewhere.origin}/taken` });
      await crm.receive(...traffic.rounds.flat());
      await fixture.pass(10 * minute);
      expect(heard).toEqual([]);
      await expectCounted(fixture, crm, traffic);
    });
  });
});
