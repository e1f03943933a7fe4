import { expect, test, type TestContext } from 'vitest';
import type { CrmWorkspace } from '../harness/crm-workspace.ts';
import { minute, needs, type SetUp, somebody } from './set-up.ts';

/** What happens to a person's deals is told of the person; found by looking, as what webhooks told is. */
export function deals(setUp: SetUp): void {
  const dealsOf = async (context: TestContext, crm: CrmWorkspace) => {
    needs(context, crm, 'deals');
    const { deals } = crm.account.user;
    if (deals === undefined) throw new Error('The account has nobody to work on deals.');
    if (deals.of !== undefined) await crm.configure({ creation: { as: deals.of } });
    return { stage: crm.account.stage, ...deals };
  };
  const toldAs = ({ account }: CrmWorkspace, field: string, value: string): string =>
    account.toldAs?.({ [field]: value })[field] ?? value;
  const told = async (crm: CrmWorkspace): Promise<string[]> =>
    (await crm.occurrences())
      .toSorted((x, y) => x.changedAt - y.changedAt)
      .map(({ recordId, field, value }) => `${recordId} ${field} ${value}`);

  test('each change of a deal is told once, as its person’s, and stands on no record', async (context) => {
    const { fixture, crm } = await setUp({ polled: true });
    const deals = await dealsOf(context, crm);
    await crm.writes(somebody(1, 'Asha Rao'));
    await fixture.settle();
    const { recordId } = await crm.record();
    const { field, values } = deals.stage;
    const [one, other] = values;
    const first = await deals.create(recordId, { [field]: one });
    const second = await deals.create(recordId, { [field]: one });
    // What a deal is when it is first seen says nothing of a change.
    await fixture.settle();
    expect(await told(crm)).toEqual([]);
    const before = await crm.record();
    for (const [dealId, value] of [
      [first, other],
      [second, other],
      [first, one],
    ] as const) {
      fixture.clock.advance(minute);
      await deals.update(dealId, { [field]: value });
      await fixture.settle();
      await fixture.settle();
    }
    expect(await told(crm)).toEqual([
      `${recordId} deal:${first}:${field} ${other}`,
      `${recordId} deal:${second}:${field} ${other}`,
      `${recordId} deal:${first}:${field} ${one}`,
    ]);
    expect(await crm.record()).toEqual(before);
  });

  test('a webhook and a look tell one change of a deal, in whichever order', async (context) => {
    const { fixture, crm } = await setUp();
    const deals = await dealsOf(context, crm);
    await crm.writes(somebody(1, 'Asha Rao'));
    await fixture.settle();
    await crm.check();
    const { recordId } = await crm.record();
    const { field, values } = deals.stage;
    const dealIds = [
      await deals.create(recordId, { [field]: values[0] }),
      await deals.create(recordId, { [field]: values[0] }),
    ];
    await crm.poll();
    fixture.clock.advance(minute);
    const at = fixture.clock.now();
    for (const dealId of dealIds) await deals.update(dealId, { [field]: values[1] });
    const tell = async (dealId = ''): Promise<void> => {
      const change = {
        kind: 'field',
        of: 'deal',
        recordId: dealId,
        personRecordId: recordId,
        field,
      } as const;
      await crm.isTold([{ ...change, at, value: toldAs(crm, field, values[1]), by: 'user 7' }]);
      await fixture.settle();
    };
    await tell(dealIds[0]);
    await crm.poll();
    await tell(dealIds[1]);
    await crm.poll();
    expect((await told(crm)).toSorted()).toEqual(
      dealIds.map((dealId) => `${recordId} deal:${dealId}:${field} ${values[1]}`).toSorted(),
    );
    expect((await crm.occurrences()).map(({ changedBy }) => changedBy)).toEqual(['user 7', 'user 7']);
  });

  test('a look tells what changed since a webhook first spoke of a deal', async (context) => {
    const { fixture, crm } = await setUp();
    const deals = await dealsOf(context, crm);
    await crm.writes(somebody(1, 'Asha Rao'));
    await fixture.settle();
    await crm.check();
    const { recordId: personRecordId } = await crm.record();
    const { field, values } = deals.stage;
    const dealId = await deals.create(personRecordId, { [field]: values[0] });
    const at = fixture.clock.now();
    const value = toldAs(crm, field, values[0]);
    await crm.isTold([{ kind: 'field', of: 'deal', recordId: dealId, personRecordId, field, at, value }]);
    await fixture.settle();
    fixture.clock.advance(minute);
    await deals.update(dealId, { [field]: values[1] });
    await crm.poll();
    expect(await told(crm)).toEqual(
      values.map((value) => `${personRecordId} deal:${dealId}:${field} ${value}`),
    );
  });

  test('a hint that names only the deal has it looked for soon, and not with each of a storm', async (context) => {
    const { fixture, crm } = await setUp();
    const deals = await dealsOf(context, crm);
    await crm.writes(somebody(1, 'Asha Rao'));
    await fixture.settle();
    await crm.check();
    const { recordId } = await crm.record();
    const { field, values } = deals.stage;
    const dealId = await deals.create(recordId, { [field]: values[0] });
    await crm.poll();
    fixture.clock.advance(minute);
    await deals.update(dealId, { [field]: values[1] });
    const hint = async (): Promise<void> => {
      await crm.isTold([{ kind: 'touched', of: 'deal', recordId: dealId, at: fixture.clock.now() }]);
      await fixture.settle();
      await fixture.process.poller.worker.drain();
    };
    await hint();
    expect(await told(crm)).toEqual([`${recordId} deal:${dealId}:${field} ${values[1]}`]);
    await deals.update(dealId, { [field]: values[0] });
    fixture.clock.advance(1_000);
    await hint();
    expect(await told(crm)).toHaveLength(1);
    fixture.clock.advance(minute);
    await fixture.process.poller.worker.drain();
    expect(await told(crm)).toHaveLength(2);
  });

  test('erasing a person leaves nothing of their deals, nor brings their next moves any back until they write again', async (context) => {
    const { fixture, crm } = await setUp({ polled: true });
    const deals = await dealsOf(context, crm);
    const asha = somebody(1, 'Asha Rao');
    await crm.writes(asha);
    await fixture.settle();
    const { recordId: personRecordId } = await crm.record();
    const { field, values } = deals.stage;
    const dealId = await deals.create(personRecordId, { [field]: values[0] });
    await fixture.settle();
    const move = async (value: string): Promise<void> => {
      fixture.clock.advance(minute);
      await deals.update(dealId, { [field]: value });
      await fixture.settle();
    };
    await move(values[1]);
    expect(await told(crm)).toHaveLength(1);
    const remembered = async (): Promise<unknown[]> => {
      const { rows } = await fixture.database.query('select 1 from crm_deals where workspace_id = $1', [
        crm.workspaceId,
      ]);
      return [...(await told(crm)), ...rows];
    };
    await crm.erase(asha);
    expect(await remembered()).toEqual([]);
    await move(values[0]);
    const change = { kind: 'field', of: 'deal', recordId: dealId, personRecordId, field } as const;
    await crm.isTold([{ ...change, at: fixture.clock.now(), value: values[0] }]);
    await move(values[1]);
    expect(await remembered()).toEqual([]);
    await crm.writes(asha, 'Back again');
    await fixture.settle();
    await move(values[0]);
    await move(values[1]);
    expect((await told(crm)).at(-1)).toBe(`${personRecordId} deal:${dealId}:${field} ${values[1]}`);
  });
}
