import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { openHubspotAccount } from './conformance/hubspot-account.ts';
import { memoryAccounts } from './conformance/memory-account.ts';
import { hour, minute, nationalNumber, somebody, setUpFor } from './conformance/set-up.ts';
import type { CrmFixture } from './harness/crm-fixture.ts';
import type { CrmWorkspace } from './harness/crm-workspace.ts';

/** Our id stands on the record of whom it names, whatever a member decided in between. */

const asha = somebody(1, 'Asha');
const bela = somebody(2, 'Bela');

const accounts = [
  ['a CRM unlike HubSpot', () => memoryAccounts().open],
  ['HubSpot', () => openHubspotAccount],
] as const;

describe.each(accounts)('at %s', (_, open) => {
  const idOn = async (crm: CrmWorkspace, recordId: string): Promise<string> =>
    (await crm.account.user.get(recordId))?.values[crm.connector.traits.contactIdField] ?? '';

  /** Asha and Bela write; Bela is known by a phone a rep typed, so that Asha’s is never written there. */
  const meet = async () => {
    const { fixture, crm } = await setUpFor(open())({ polled: true });
    const belas = await crm.account.user.create(
      crm.valuesOf({ 'first name': 'Bela', phone: nationalNumber(2) }),
    );
    await crm.check();
    await crm.writes(asha);
    await crm.writes(bela);
    await fixture.ride(hour);
    const [{ contactId: a }, { contactId: b }] = [await crm.contactOf(asha), await crm.contactOf(bela)];
    const ashas = (await crm.records()).find(({ recordId }) => recordId !== belas)?.recordId ?? '';
    expect([await idOn(crm, ashas), await idOn(crm, belas)]).toEqual([a, b]);
    return { fixture, crm, ashas, belas, a, b };
  };
  const later = async (fixture: CrmFixture): Promise<void> => {
    fixture.clock.advance(minute);
    await fixture.ride(hour);
  };

  test('leaves another’s record once the decision is undone that brought it there', async () => {
    const { fixture, crm, ashas, belas, a, b } = await meet();
    const { corrections } = fixture.process;
    const actor = { workspaceId: crm.workspaceId, memberId: randomUUID() };
    const ofBelas = { connectionId: crm.connectionId, recordId: belas };
    const parted = await corrections.unlink(actor, { ...ofBelas, contactId: b });
    const moved = await corrections.relink(actor, { ...ofBelas, contactId: a });
    await later(fixture);
    expect(await idOn(crm, ashas)).toBe('');
    await corrections.undo(actor, moved);
    await corrections.undo(actor, parted);
    await later(fixture);
    await crm.writes(asha);
    await crm.writes(bela);
    await later(fixture);
    expect([await idOn(crm, ashas), await idOn(crm, belas)]).toEqual([a, b]);
    expect(await crm.letters()).toEqual([]);
  });

  test('leaves a record that is nobody’s, likewise', async () => {
    const { fixture, crm, ashas, a } = await meet();
    const { corrections } = fixture.process;
    const actor = { workspaceId: crm.workspaceId, memberId: randomUUID() };
    const nobodys = await crm.account.user.create(
      crm.valuesOf({ 'first name': 'Chad', phone: nationalNumber(3) }),
    );
    await crm.check();
    const moved = await corrections.relink(actor, {
      connectionId: crm.connectionId,
      contactId: a,
      recordId: nobodys,
    });
    await later(fixture);
    // Where the CRM lets one record hold it, it comes with the first write after it left the other.
    await crm.writes(asha);
    await later(fixture);
    expect([await idOn(crm, ashas), await idOn(crm, nobodys)]).toEqual(['', a]);
    await corrections.undo(actor, moved);
    await later(fixture);
    await crm.writes(asha);
    await later(fixture);
    expect([await idOn(crm, ashas), await idOn(crm, nobodys)]).toEqual([a, '']);
    expect(await crm.letters()).toEqual([]);
  });
});
