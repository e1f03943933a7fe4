import { afterEach, beforeEach, expect, test } from 'vitest';
import { startSandboxFixture, type SandboxFixture } from '../testing/sandbox-fixture.ts';

let fixture: SandboxFixture;
const root = '/crm/objects/2026-03/contacts';

beforeEach(async () => {
  fixture = await startSandboxFixture();
  await fixture.hubspot('POST', root, { properties: { firstname: 'A', lifecyclestage: 'opportunity' } });
});

afterEach(() => fixture.stop());

const write = (lifecyclestage: string, rest: object = {}) =>
  fixture.hubspot('PATCH', `${root}/101`, { properties: { lifecyclestage, ...rest } });
const stage = async () =>
  (await fixture.hubspot('GET', `${root}/101?properties=lifecyclestage,city`)).body as {
    properties: { lifecyclestage: string | null; city: string | null };
  };

test('an app moves the lifecycle stage forward; back is without effect, and the rest is written', async () => {
  await write('customer');
  expect(await stage()).toMatchObject({ properties: { lifecyclestage: 'customer' } });
  expect(await write('lead', { city: 'Pune' })).toMatchObject({ status: 200 });
  expect(await stage()).toMatchObject({ properties: { lifecyclestage: 'customer', city: 'Pune' } });
});

test('once emptied it may be anything', async () => {
  await write('');
  expect(await stage()).toMatchObject({ properties: { lifecyclestage: null } });
  await write('lead');
  expect(await stage()).toMatchObject({ properties: { lifecyclestage: 'lead' } });
});

test('a user moves it as they like', async () => {
  await fixture.call('PATCH', '/hubspot/records/contacts/101', {
    properties: { lifecyclestage: 'subscriber' },
  });
  expect(await stage()).toMatchObject({ properties: { lifecyclestage: 'subscriber' } });
});

test('a batch goes by the same rule', async () => {
  const inputs = [{ id: '101', properties: { lifecyclestage: 'lead' } }];
  expect(await fixture.hubspot('POST', `${root}/batch/update`, { inputs })).toMatchObject({
    status: 200,
    body: { results: [{ properties: { lifecyclestage: 'opportunity' } }] },
  });
});

test('stages an admin adds stand where they were put', async () => {
  const path = '/crm/properties/2026-03/contacts/lifecyclestage';
  const { body } = await fixture.hubspot('GET', path);
  const { options } = body as { options: { value: string; displayOrder: number }[] };
  const customer = options.find(({ value }) => value === 'customer');
  const added = { label: 'Trial', value: '48121', displayOrder: (customer?.displayOrder ?? 0) + 0 };
  const moved = options.map((option) =>
    option.displayOrder >= added.displayOrder ? { ...option, displayOrder: option.displayOrder + 1 } : option,
  );
  expect(await fixture.hubspot('PATCH', path, { options: [...moved, added] })).toMatchObject({ status: 200 });
  await write('48121');
  expect(await stage()).toMatchObject({ properties: { lifecyclestage: '48121' } });
  await write('opportunity');
  expect(await stage()).toMatchObject({ properties: { lifecyclestage: '48121' } });
  await write('customer');
  expect(await stage()).toMatchObject({ properties: { lifecyclestage: 'customer' } });
});

test('rule lifecycleBackwards: refused', async () => {
  await fixture.call('PUT', '/hubspot/rules', { lifecycleBackwards: 'refused' });
  expect(await write('lead', { city: 'Pune' })).toMatchObject({
    status: 400,
    body: { errors: [{ context: { propertyName: ['lifecyclestage'] } }] },
  });
  expect(await stage()).toMatchObject({ properties: { lifecyclestage: 'opportunity', city: null } });
});
