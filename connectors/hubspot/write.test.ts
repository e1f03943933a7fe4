/** Writing to the sandbox's HubSpot, over HTTP. */
import type { Connector, ContactFields, RecordCreate, WriteOutcome } from '@sangam/core/crm';
import { difference, valuesForNew } from '@sangam/core/mapping';
import { describe, expect, test } from 'vitest';
import { answers, openPortal, openProvisioned, recordIdOf, recordsIn, userCreates } from './test-sandbox.ts';

const at = Date.UTC(2026, 10, 23, 10, 0, 0);

const someone = (contactId: string): ContactFields => ({
  contactId,
  phones: [],
  formerPhones: [],
  firstName: '',
  lastName: '',
  leadSource: 'WhatsApp',
  windowState: 'closed',
  optOut: false,
  tags: [],
  flowAnswers: {},
});

const asha: ContactFields = {
  ...someone('contact-asha'),
  phone: '+919812345678',
  phones: ['+919812345678'],
  bsuid: 'IN.1234567890',
  username: 'asha',
  firstName: 'Asha',
  lastName: 'Rao',
  leadSource: 'WhatsApp CTWA',
  optInAt: at,
  firstMessage: 'Is it <b>in stock</b>? 😀',
  lastActivityAt: at + 1_500,
  windowState: 'open',
  windowClosesAt: at + 86_400_000,
  waitingSince: at,
  optOut: true,
  optOutAt: at + 1_000,
  tags: ['vip', 'हिन्दी'],
};

/** What the engine does with a batch: look, compare, write the difference. */
async function reconcile(connector: Connector, ...contacts: ContactFields[]): Promise<WriteOutcome[]> {
  const { defaultMapping: mapping, spelling } = connector.traits;
  const fields = mapping.map(({ field }) => field.name);
  const ids = contacts.map(({ contactId }) => contactId);
  const records = await connector.findByContactId(ids, fields, 'fields');
  const held = new Map(records.map((record) => [record.contactId, record]));
  const creates = contacts
    .filter(({ contactId }) => !held.has(contactId))
    .map((contact) => ({
      contactId: contact.contactId,
      values: valuesForNew(contact, mapping, spelling),
    }));
  const updates = contacts.flatMap((contact) => {
    const record = held.get(contact.contactId);
    if (record === undefined) return [];
    // Nobody else touches these records.
    const agreed = { base: record.values, ours: fields };
    const current = record.values;
    const { write } = difference({ contact, mapping, spelling, agreed, current, erased: new Map() });
    return Object.keys(write).length === 0 ? [] : [{ recordId: record.recordId, values: write }];
  });
  return [...(await connector.create(creates, 'new lead')), ...(await connector.update(updates, 'fields'))];
}

describe.each(answers)('in a HubSpot where %s', (_answer, rules) => {
  const good: RecordCreate = { contactId: 'good', values: { firstname: 'Good' } };

  test('what was written reads back as nothing left to write', async () => {
    const { connector } = await openProvisioned(rules);
    const [outcome] = await reconcile(connector, asha);
    expect(outcome).toMatchObject({ outcome: 'written', created: true, values: { firstname: 'Asha' } });
    expect(await reconcile(connector, asha)).toEqual([]);
  });

  test('a create of a known contact updates it; any number goes up to the batch size', async () => {
    const portal = await openProvisioned(rules);
    const { connector } = portal;
    const [first] = await connector.create([good], 'new lead');
    const others = Array.from({ length: connector.traits.sizes.create - 1 }, (_, n) => ({
      contactId: `contact-${n}`,
      values: { firstname: `${n}` },
    }));
    const outcomes = await connector.create(
      [{ ...good, values: { firstname: 'Better' } }, ...others],
      'fields',
    );
    expect(outcomes[0]).toEqual({ ...first, created: false, values: { firstname: 'Better' } });
    expect(outcomes.slice(1).every((one) => one.outcome === 'written' && one.created)).toBe(true);
    expect(await recordsIn(portal)).toHaveLength(connector.traits.sizes.create);
  });

  test('a person without a name or phone becomes a contact too', async () => {
    const portal = await openProvisioned(rules);
    const bela = { ...someone('contact-b'), username: 'bela' };
    await reconcile(portal.connector, bela);
    expect(await recordsIn(portal)).toMatchObject([
      { properties: { firstname: '@bela', wa_username: 'bela' } },
    ]);
    await reconcile(portal.connector, { ...bela, firstName: 'Bela' });
    expect(await recordsIn(portal)).toMatchObject([{ properties: { firstname: 'Bela' } }]);
  });

  test('text as hostile as people send it is kept whole', async () => {
    const { connector } = await openProvisioned(rules);
    const firstMessage = `<script>alert(1)</script> "quotes"; 'more' \\ \u202E\n${'नमस्ते 😀 '.repeat(1_000)}end`;
    await reconcile(connector, { ...asha, firstMessage: `\0${firstMessage}` });
    const [record] = await connector.findByContactId([asha.contactId], ['wa_first_message'], 'fields');
    expect(record?.values['wa_first_message']).toBe(firstMessage);
  });

  describe('an update', () => {
    test('writes to the record by its id, ours or not', async () => {
      const portal = await openProvisioned(rules);
      const theirs = await userCreates(portal, { firstname: 'Asha', phone: '098123 45678' });
      const values = { wa_opt_out: 'true', sangam_contact_id: 'adopted' };
      expect(await portal.connector.update([{ recordId: theirs, values }], 'consent')).toEqual([
        { item: theirs, outcome: 'written', recordId: theirs, created: false, values },
      ]);
      expect(await portal.connector.findByContactId(['adopted'], ['phone'], 'fields')).toMatchObject([
        { recordId: theirs, contactId: 'adopted', values: { phone: '098123 45678' } },
      ]);
    });

    test('of a record that is gone leaves its neighbours written', async () => {
      const portal = await openProvisioned(rules);
      const [gone, kept] = [
        await userCreates(portal, { firstname: 'Gone' }),
        await userCreates(portal, { firstname: 'Kept' }),
      ];
      await portal.control('DELETE', `/records/contacts/${gone}`);
      const values = { lastname: 'Rao' };
      const updates = [gone, kept, '999999'].map((recordId) => ({ recordId, values }));
      const outcomes = await portal.connector.update(updates, 'fields');
      expect(new Map(outcomes.map(({ item, outcome }) => [item, outcome]))).toEqual(
        new Map([
          [kept, 'written'],
          [gone, 'gone'],
          ['999999', 'gone'],
        ]),
      );
      expect(await recordsIn(portal)).toMatchObject([{ id: kept, properties: { lastname: 'Rao' } }]);
    });

    test('of a merged record goes to the one it lives on as, where HubSpot still knows it', async () => {
      const portal = await openProvisioned(rules);
      const [primaryId, mergedId] = [
        await userCreates(portal, { firstname: 'Asha' }),
        await userCreates(portal, { firstname: 'A.' }),
      ];
      const { id: survivor } = (await portal.control('POST', '/records/contacts/merge', {
        primaryId,
        mergedId,
      })) as { id: string };
      const updates = [{ recordId: mergedId, values: { lastname: 'Rao' } }];
      const [outcome] = await portal.connector.update(updates, 'fields');
      expect(outcome).toMatchObject(
        rules.mergedIdAnswers === 'missing'
          ? { item: mergedId, outcome: 'gone' }
          : { item: mergedId, outcome: 'written', recordId: survivor },
      );
    });

    test('with our key of another record names that record', async () => {
      const portal = await openProvisioned(rules);
      const holder = recordIdOf((await portal.connector.create([good], 'new lead'))[0]);
      const other = await userCreates(portal, { firstname: 'Other' });
      const values = { sangam_contact_id: 'good' };
      expect(await portal.connector.update([{ recordId: other, values }], 'fields')).toMatchObject([
        { item: other, outcome: 'taken', recordId: holder, field: 'sangam_contact_id' },
      ]);
    });
  });

  test('an e-mail another record holds is named with that record', async () => {
    const portal = await openProvisioned(rules);
    const holder = await userCreates(portal, { email: 'asha@a.example' });
    const values = { firstname: 'Asha', email: 'asha@a.example' };
    const taken = { outcome: 'taken', recordId: holder, field: 'email' };
    expect(await portal.connector.create([{ contactId: 'new', values }], 'new lead')).toMatchObject([taken]);
    const other = await userCreates(portal, { firstname: 'Other' });
    expect(await portal.connector.update([{ recordId: other, values }], 'fields')).toMatchObject([taken]);
  });

  test('a record a rep deleted is made again, or its holder is named', async () => {
    const portal = await openProvisioned(rules);
    const deleted = recordIdOf((await portal.connector.create([good], 'new lead'))[0]);
    await portal.control('DELETE', `/records/contacts/${deleted}`);
    expect(await portal.connector.create([good], 'new lead')).toMatchObject([
      rules.archivedKeepsUniqueValues === true
        ? { outcome: 'taken', recordId: deleted, field: 'sangam_contact_id' }
        : { outcome: 'written', created: true },
    ]);
  });

  describe('what HubSpot refuses', () => {
    const bad: RecordCreate = { contactId: 'bad', values: { firstname: 'Bad', wa_window_state: 'ajar' } };

    test('alone is an outcome that names the property and no value', async () => {
      const { connector } = await openProvisioned(rules);
      const [outcome] = await connector.create([bad], 'new lead');
      expect(outcome).toMatchObject({ item: 'bad', outcome: 'refused', code: 'INVALID_OPTION' });
      expect(JSON.stringify(outcome)).toContain('wa_window_state');
      expect(JSON.stringify(outcome)).not.toMatch(/ajar|Bad/);
    });

    test('in a batch either stands alone or asks for halving', async () => {
      const { connector } = await openProvisioned(rules);
      const outcomes = await connector.create([good, bad], 'new lead').catch((error: unknown) => error);
      expect(outcomes).toMatchObject(
        rules.traceIdsAnswerPerItem === 'every write'
          ? [{ outcome: 'written' }, { item: 'bad', outcome: 'refused', code: 'INVALID_OPTION' }]
          : { code: 'batch_refused', retry: 'never' },
      );
      expect(await connector.create([good], 'new lead')).toMatchObject([{ outcome: 'written' }]);
    });

    test('a new contact without any name is refused with the reason', async () => {
      const { connector } = await openProvisioned(rules);
      const nameless = { contactId: 'n', values: { phone: '+15550101' } };
      expect(await connector.create([nameless], 'new lead')).toMatchObject([{ outcome: 'refused' }]);
    });

    test('a portal without our properties needs a person, not halving', async () => {
      const connector = (await openPortal(rules)).connect();
      const setUp = { code: 'not_provisioned', retry: 'never' };
      await expect(connector.findByContactId(['good'], [], 'fields')).rejects.toMatchObject(setUp);
      await expect(connector.create([good], 'new lead')).rejects.toMatchObject(setUp);
      const another = { ...good, contactId: 'another' };
      await expect(connector.create([good, another], 'new lead')).rejects.toMatchObject(setUp);
    });

    test('properties that vanished are named, so that the rest can go on', async () => {
      const { connector, ...portal } = await openProvisioned(rules);
      const recordId = recordIdOf((await connector.create([good], 'new lead'))[0]);
      for (const name of ['wa_username', 'wa_tags']) {
        await portal.api('DELETE', `/crm/properties/2026-03/contacts/${name}`);
      }
      const values = { firstname: 'Good', wa_username: 'good', wa_tags: 'vip' };
      const missing = { code: 'fields_missing', fields: ['wa_username', 'wa_tags'], retry: 'never' };
      await expect(connector.create([{ ...good, values }], 'fields')).rejects.toMatchObject(missing);
      await expect(connector.update([{ recordId, values }], 'fields')).rejects.toMatchObject(missing);
      const fields = ['firstname', 'wa_username'];
      expect(await connector.read([recordId], fields, 'fields')).toMatchObject([
        { values: { firstname: 'Good', wa_username: '' } },
      ]);
    });
  });
});

test('a choice HubSpot does not know is refused by its name', async () => {
  const { connector } = await openProvisioned();
  const values = { firstname: 'Asha', hs_lead_status: 'NONE_OF_THESE' };
  expect(await connector.create([{ contactId: 'a', values }], 'new lead')).toMatchObject([
    { outcome: 'refused', code: 'INVALID_OPTION', field: 'hs_lead_status' },
  ]);
});

test('of a batch one record that is locked waits by itself, and its neighbours are written', async () => {
  const portal = await openProvisioned();
  const recordIds = [];
  for (const firstname of ['Asha', 'Ravi', 'Mira']) recordIds.push(await userCreates(portal, { firstname }));
  await portal.control('PUT', '/faults', { item: { code: 'LOCKED', nth: 2 } });
  const updates = recordIds.map((recordId) => ({ recordId, values: { lastname: 'Rao' } }));
  const outcomes = await portal.connector.update(updates, 'fields');
  const of = (recordId = '') => outcomes.find(({ item }) => item === recordId);
  expect(recordIds.map((recordId) => of(recordId)?.outcome)).toEqual(['written', 'later', 'written']);
  expect(of(recordIds[1])).toMatchObject({ code: 'locked', retry: { afterMs: 2_000 } });
});
