import { afterEach, beforeEach, expect, test } from 'vitest';
import { startSandboxFixture, type SandboxFixture } from '../testing/sandbox-fixture.ts';

let fixture: SandboxFixture;

beforeEach(async () => {
  fixture = await startSandboxFixture();
});

afterEach(() => fixture.stop());

test('the portal has three owners, found by id, user or e-mail', async () => {
  const { body } = await fixture.hubspot('GET', '/crm/owners/2026-03');
  const { results } = body as { results: { id: string; email: string; userId: number }[] };
  expect(results).toHaveLength(3);
  expect(results[0]).toMatchObject({ firstName: 'Meera', lastName: 'Iyer', archived: false, teams: [] });
  for (const { id, email, userId } of results) {
    for (const path of [`/crm/v3/owners/${id}`, `/crm/owners/2026-03/${String(userId)}?idProperty=userId`]) {
      expect(await fixture.hubspot('GET', path)).toMatchObject({ status: 200, body: { id, email } });
    }
    expect(await fixture.hubspot('GET', `/crm/owners/2026-03?email=${email}`)).toMatchObject({
      body: { results: [{ id }] },
    });
  }
  expect(await fixture.hubspot('GET', '/crm/owners/2026-03/1')).toMatchObject({ status: 404 });
});

test('a record belongs to one of them or to nobody', async () => {
  const create = (hubspot_owner_id: string) =>
    fixture.hubspot('POST', '/crm/objects/2026-03/contacts', {
      properties: { firstname: 'A', hubspot_owner_id },
    });
  expect(await create('30003')).toMatchObject({ status: 201 });
  expect(await create('')).toMatchObject({ status: 201 });
  expect(await create('30004')).toMatchObject({
    status: 400,
    body: { errors: [{ code: 'INVALID_OPTION' }] },
  });
});
