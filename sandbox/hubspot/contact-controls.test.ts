import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startSandboxFixture, type SandboxFixture } from '../testing/sandbox-fixture.ts';

let fixture: SandboxFixture;
const path = '/hubspot/records/contacts';

beforeEach(async () => {
  fixture = await startSandboxFixture();
});

afterEach(() => fixture.stop());

const count = async () => ((await fixture.call('GET', path)).body as { results: object[] }).results.length;
const many = (records: object[]) =>
  fixture.call('POST', `${path}/batch`, { records: records.map((properties) => ({ properties })) });

describe('many records at once', () => {
  test('thousands are made by one call', async () => {
    const made = await many(
      Array.from({ length: 3_000 }, (_, index) => ({ firstname: `A${String(index)}` })),
    );
    expect(made.status).toBe(201);
    expect((made.body as { ids: string[] }).ids.slice(0, 2)).toEqual(['101', '102']);
    expect(await count()).toBe(3_000);
  });

  test('one that HubSpot refuses refuses them all', async () => {
    expect(await many([{ firstname: 'A' }, { phone: '1' }])).toMatchObject({
      status: 400,
      body: { error: { code: 'refused_by_crm' } },
    });
    expect(await many([{ email: 'a@b.example' }, { email: 'a@b.example' }])).toMatchObject({ status: 409 });
    expect(await many([])).toMatchObject({ status: 400 });
    expect(await count()).toBe(0);
  });
});

test('acts on records that are not there are a 404', async () => {
  for (const act of ['restore', 'privacy-deletion']) {
    expect(await fixture.call('POST', `${path}/999/${act}`)).toMatchObject({
      status: 404,
      body: { error: { code: 'no_such_record' } },
    });
  }
});
