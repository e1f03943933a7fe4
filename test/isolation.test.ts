import type { ContactSource } from '@sangam/core/crm';
import { sweepWindows } from '@sangam/core/store';
import { expect, test } from 'vitest';
import { openHubspotAccount } from './conformance/hubspot-account.ts';
import { flowAnswer, hour, somebody } from './conformance/set-up.ts';
import { createCrmFixture } from './harness/crm-fixture.ts';
import { addTwins } from './harness/twin-workspaces.ts';
import {
  type Change,
  echo,
  history,
  numberChange,
  type Person,
  preference,
  status,
  text,
} from './harness/whatsapp.ts';
import { workspaceShape } from './harness/workspace-shape.ts';

/** Promise 8: what one workspace holds changes nothing of another's life, whatever ids they share. */

const shownSources = [
  'phone',
  'first name',
  'last name',
  'lead source',
  'first message',
  'window state',
  'opt-out',
  'tags',
] as const satisfies readonly ContactSource[];

/** Everything that can befall a workspace, and what it adds up to: its rows, and its account as users see it. */
async function lifeOf(beside: { readonly twins: boolean }): Promise<unknown> {
  const fixture = await createCrmFixture();
  try {
    const crm = await fixture.addWorkspace(openHubspotAccount, { webhooks: true });
    const { user } = crm.account;
    fixture.clock.advance(1000 - (fixture.clock.now() % 1000));
    const start = Math.floor(fixture.clock.now() / 1000) * 1000;
    if (beside.twins) await addTwins(fixture.database, crm.workspaceId);
    const actor = { workspaceId: crm.workspaceId, memberId: '00000000-0000-4000-8000-000000000009' };
    const { corrections } = fixture.process;

    // Events carry times of their own, whatever the machine takes to handle them: each telling is an hour after the last.
    let hours = 0;
    let events = 0;
    let lastAt = start;
    const later = (): void => {
      fixture.clock.advance(hour);
      hours += 1;
    };
    const next = (): [string, number] => {
      events += 1;
      lastAt = start + hours * hour + events * 1000;
      return [`w${String(events)}`, lastAt];
    };
    fixture.clock.advance(hour);
    const told = async (...changes: readonly Change[]): Promise<void> => {
      await crm.receive(...changes);
      await fixture.settle();
      later();
    };
    const says = (person: Person, words: string): Promise<void> => told(text(person, ...next(), words));
    const contactIdOf = async (person: Person): Promise<string> => (await crm.contactOf(person)).contactId;
    const phone = (person: Person) => crm.valuesOf({ phone: `+${person.phone ?? ''}` });

    const [asha, ravi, bela, dev, eva] = [
      somebody(1, 'Asha Rao'),
      somebody(2, 'Ravi'),
      somebody(3, 'Bela'),
      somebody(4, 'Dev'),
      somebody(5, 'Eva'),
    ];

    // Records that are there before anybody writes; two of them Ravi's, one without a phone yet.
    await user.create({ ...crm.valuesOf({ 'first name': 'Ravi' }), ...phone(ravi) });
    const second = await user.create({ ...crm.valuesOf({ 'first name': 'Ravi at work' }), ...phone(ravi) });
    const third = await user.create(crm.valuesOf({ 'first name': 'A list' }));
    await crm.check();

    // Messages, answers, ticks, consent, tags, a Flow, history, two contents under one id, statuses before the message.
    await told(status({ phone: asha.phone ?? '' }, 'out.early', start - hour, 'sent'));
    await says(asha, 'Hello');
    await told(echo(asha, ...next(), 'We will look'));
    await says(ravi, 'Is it there?');
    await says(ravi, 'STOP');
    await says(asha, 'stop all');
    await says(asha, 'START');
    await told(preference(bela, next()[1], 'stop'));
    await says(bela, 'Hello from Bela');
    await told(flowAnswer(bela, ...next(), { city: 'Pune' }));
    await told(history(bela.phone ?? '', ...next(), 'long ago', 'in'));
    await told(text(bela, 'w.same', next()[1], 'one'), text(bela, 'w.same', next()[1], 'other'));
    const answer = next();
    await told(echo(ravi, ...answer, 'Yes'), status(ravi, answer[0], answer[1] + 1000, 'delivered'));
    await told(status(ravi, answer[0], answer[1] + 2000, 'read', { pricing: { category: 'service' } }));
    await crm.tag(asha, ['VIP', 'Wholesale']);
    await fixture.settle();
    await crm.tag(asha, [], ['Wholesale']);
    await fixture.settle();

    // People change in the CRM what both sides hold.
    await user.update(third, phone(ravi));
    await fixture.settle();
    await user.update(second, crm.valuesOf({ phone: '' }));
    await fixture.settle();
    // Goes to the records that hold the number now.
    await says(ravi, 'STOP');
    const ofAsha =
      (await crm.records()).find((one) => crm.read(one, 'first name') === 'Asha')?.recordId ?? '';
    await user.update(ofAsha, {
      ...crm.valuesOf({
        'opt-out': { kind: 'flag', set: true },
        tags: { kind: 'tags', tags: ['VIP', 'Late'] },
      }),
      [crm.account.stage.field]: crm.account.stage.values[1],
    });
    await fixture.settle();
    await says(asha, 'Still there?');

    // Two contacts that turn out to be one person, each with a record; a number that changes hands, and one that moves.
    await says({ phone: dev.phone ?? '', name: 'Dev' }, 'by phone');
    await says({ bsuid: dev.bsuid ?? '', username: 'dev', name: 'Dev' }, 'by username');
    await says(dev, 'both together');
    const [conflict] = await crm.conflicts();
    await corrections.acceptConflict(actor, conflict?.conflictId ?? '', conflict?.recordIds[1]);
    await fixture.settle();
    await says({ phone: ravi.phone ?? '', bsuid: 'IN.NEXT', name: 'The next one' }, 'a new holder');
    await told(numberChange(bela, { phone: '919999911111', bsuid: 'IN.BELA2' }, ...next()));
    await says({ phone: '919999911111', bsuid: 'IN.BELA2', name: 'Bela' }, 'my new number');

    // What members decide, and take back.
    await says(eva, 'Hello from Eva');
    const [evaId, ashaId] = [await contactIdOf(eva), await contactIdOf(asha)];
    const { connectionId } = crm;
    const undone = async (decisionId: string): Promise<void> => {
      await fixture.settle();
      await corrections.undo(actor, decisionId);
      await fixture.settle();
    };
    await undone(await corrections.relink(actor, { connectionId, contactId: evaId, recordId: third }));
    const [ivo, jaya] = [somebody(9, 'Ivo'), somebody(10, 'Jaya')];
    await says(ivo, 'Hello from Ivo');
    await says(jaya, 'Hello from Jaya');
    await corrections.join(actor, await contactIdOf(ivo), await contactIdOf(jaya));
    await fixture.settle();
    await undone(await corrections.handOver(actor, `+${eva.phone ?? ''}`, lastAt - 500));
    await undone(await corrections.unlink(actor, { connectionId, contactId: ashaId, recordId: ofAsha }));
    await fixture.settle();

    // Records merge, go and come back; a call goes wrong; somebody is erased; windows end; all is looked through again.
    const before = await crm.records();
    const named = (name: string): string =>
      before.find((one) => crm.read(one, 'first name') === name)?.recordId ?? '';
    await user.merge(named('Bela'), second);
    await fixture.settle();
    await says({ phone: '919999911111', bsuid: 'IN.BELA2', name: 'Bela' }, 'after the merge');
    await user.remove(named('Eva'));
    await fixture.settle();
    later();
    later();
    await says(eva, 'It is me again');
    // Somebody writes down again who was deleted; somebody has two numbers.
    const gita = somebody(8, 'Gita');
    await says(gita, 'Hello from Gita');
    const ofGita = (await crm.records()).find((one) => crm.read(one, 'first name') === 'Gita');
    await user.remove(ofGita?.recordId ?? '');
    await fixture.settle();
    await user.create({ ...crm.valuesOf({ 'first name': 'Gita anew' }), ...phone(gita) });
    await fixture.settle();
    await says({ ...gita, phone: '919999922222' }, 'from my other number');
    await crm.account.fault({ dropConnection: 'after', times: 1 });
    await says(somebody(6, 'Finn'), 'Nobody answered');
    await fixture.ride(hour);
    await crm.erase(somebody(6));
    await fixture.settle();
    await says(somebody(7, 'Hari'), 'stop');
    await user.remove(named('Ravi'));
    await crm.check();
    await crm.transact((trx) => sweepWindows(trx, fixture.clock.now()));
    fixture.clock.advance(25 * hour);
    await crm.transact((trx) => sweepWindows(trx, fixture.clock.now()));
    await fixture.ride(hour);

    const records = await crm.records();
    const timelines = await Promise.all(
      records.map(async ({ recordId }) => (await user.timeline(recordId)).length),
    );
    const fields = records.map((one) => [
      one.recordId,
      ...shownSources.map((source) => crm.read(one, source)),
    ]);
    return { ...(await workspaceShape(fixture.store, crm.workspaceId, start)), fields, timelines };
  } finally {
    await fixture.close();
  }
}

test('a workspace lives as if it were alone, beside others that hold the same ids and say otherwise', async () => {
  const [alone, beside] = await Promise.all([lifeOf({ twins: false }), lifeOf({ twins: true })]);
  expect(beside).toEqual(alone);
});
