/** The connector against the sandbox's HubSpot, over HTTP. */
import type { Connector, ContactFields, CrmUpsert, UpsertOutcome } from '@sangam/core/crm';
import { valuesToWrite } from '@sangam/core/mapping';
import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { properties } from './properties.ts';
import { openPortal, type PortalRules, type TestPortal } from './test-sandbox.ts';

const at = Date.UTC(2026, 10, 23, 10, 0, 0);

const asha: ContactFields = {
  contactId: 'contact-asha',
  phone: '+919812345678',
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
  optOut: true,
  optOutAt: at + 1_000,
  tags: ['vip', 'हिन्दी'],
};

const someone = (contactId: string): ContactFields => ({
  contactId,
  firstName: '',
  lastName: '',
  leadSource: 'WhatsApp',
  windowState: 'closed',
  optOut: false,
  tags: [],
});

/** What the engine does with a batch: look, compare, write the difference. */
async function reconcile(connector: Connector, ...contacts: ContactFields[]): Promise<UpsertOutcome[]> {
  const records = await connector.read(contacts.map(({ contactId }) => contactId));
  const held = new Map(records.map((record) => [record.contactId, record.values]));
  const upserts = contacts
    .map(({ contactId }, n): CrmUpsert => {
      const contact = contacts[n] ?? someone(contactId);
      return { contactId, values: valuesToWrite(contact, connector.mapping, held.get(contactId)) };
    })
    .filter(({ values }) => Object.keys(values).length > 0);
  return connector.upsert(upserts);
}

const recordList = z.object({
  results: z.array(z.object({ id: z.string(), properties: z.record(z.string(), z.string().nullable()) })),
});

/** What a CRM user would see. */
async function recordsIn(portal: TestPortal): Promise<z.infer<typeof recordList>['results']> {
  return recordList.parse(await portal.control('GET', '/records/contacts')).results;
}

const propertyList = z.object({
  results: z.array(
    z.looseObject({ name: z.string(), options: z.array(z.object({ value: z.string() })).default([]) }),
  ),
});

async function propertiesIn(portal: TestPortal): Promise<z.infer<typeof propertyList>['results']> {
  return propertyList.parse(await portal.api('GET', '/crm/properties/2026-03/contacts')).results;
}

async function tagOptionsIn(portal: TestPortal): Promise<string[]> {
  const tags = (await propertiesIn(portal)).find(({ name }) => name === 'wa_tags');
  return (tags?.options ?? []).map(({ value }) => value);
}

/** Every question the facts leave open, answered as believed and then, one by one, the other way. */
const answers: [string, PortalRules][] = [
  ['as believed', {}],
  ['an upsert needs its key in the properties', { upsertIdInProperties: 'required' }],
  ['an existing name is a 400', { existingNameStatus: 400 }],
  ['every write answers per item', { traceIdsAnswerPerItem: 'every write' }],
  ['a list needs an option', { emptyEnumerations: 'refused' }],
  ['a deleted record keeps its unique values', { archivedKeepsUniqueValues: true }],
];

describe.each(answers)('a HubSpot where: %s', (_answer, rules) => {
  const provisioned = async (): Promise<TestPortal & { connector: Connector }> => {
    const portal = await openPortal(rules);
    const connector = portal.connect();
    await connector.provision();
    return { ...portal, connector };
  };

  describe('provisioning', () => {
    const ours = properties.map(({ name }) => name).toSorted();
    const present = async (portal: TestPortal): Promise<string[]> =>
      (await propertiesIn(portal))
        .map(({ name }) => name)
        .filter((name) => ours.includes(name))
        .toSorted();

    test('brings every property, and changes nothing when repeated', async () => {
      const portal = await provisioned();
      const once = await propertiesIn(portal);
      expect(await present(portal)).toEqual(ours);
      await portal.connector.provision();
      expect(await propertiesIn(portal)).toEqual(once);
    });

    test('may be done by several processes at once', async () => {
      const portal = await openPortal(rules);
      await Promise.all(Array.from({ length: 5 }, () => portal.connect().provision()));
      expect(await present(portal)).toEqual(ours);
    });

    test('adds what is missing to what is there', async () => {
      const portal = await openPortal(rules);
      await portal.api('POST', '/crm/properties/2026-03/contacts', {
        groupName: 'contactinformation',
        name: 'wa_username',
        label: 'Ours already',
        type: 'string',
        fieldType: 'text',
      });
      await portal.connect().provision();
      expect(await present(portal)).toEqual(ours);
      expect(await propertiesIn(portal)).toContainEqual(expect.objectContaining({ label: 'Ours already' }));
    });

    test.each([
      ['of another type', { name: 'wa_username', type: 'number', fieldType: 'number' }],
      ['not unique', { name: 'sangam_contact_id', type: 'string', fieldType: 'text' }],
    ])('says so when a property of our name is %s', async (_, definition) => {
      const portal = await openPortal(rules);
      await portal.api('POST', '/crm/properties/2026-03/contacts', {
        groupName: 'contactinformation',
        label: 'Theirs',
        ...definition,
      });
      await expect(portal.connect().provision()).rejects.toMatchObject({
        code: 'property_mismatch',
        retry: 'never',
        message: expect.stringContaining(definition.name) as unknown,
      });
    });
  });

  describe('writing', () => {
    test('what was written reads back as nothing left to write', async () => {
      const { connector } = await provisioned();
      expect(await reconcile(connector, asha)).toMatchObject([{ outcome: 'written', created: true }]);
      expect(await reconcile(connector, asha)).toEqual([]);
    });

    test('new and known contacts go in one batch, in any number up to the batch size', async () => {
      const { connector, ...portal } = await provisioned();
      const [first] = await reconcile(connector, asha);
      const others = Array.from({ length: connector.batchSize - 1 }, (_, n) => someone(`contact-${n}`));
      const outcomes = await reconcile(connector, { ...asha, lastActivityAt: at + 60_000 }, ...others);
      expect(outcomes[0]).toEqual({ ...first, created: false });
      expect(outcomes.slice(1).every((outcome) => outcome.outcome === 'written' && outcome.created)).toBe(
        true,
      );
      expect(await recordsIn(portal)).toHaveLength(connector.batchSize);
    });

    test('a person without a name or phone becomes a contact too', async () => {
      const { connector, ...portal } = await provisioned();
      await reconcile(connector, { ...someone('contact-b'), username: 'bela' });
      expect(await recordsIn(portal)).toMatchObject([
        { properties: { firstname: '@bela', wa_username: 'bela' } },
      ]);
      await reconcile(connector, { ...someone('contact-b'), username: 'bela', firstName: 'Bela' });
      expect(await recordsIn(portal)).toMatchObject([{ properties: { firstname: 'Bela' } }]);
    });

    test("a rep's corrections and opt-out stay", async () => {
      const { connector, ...portal } = await provisioned();
      const unmarked = { ...asha, optOut: false };
      await reconcile(connector, unmarked);
      const [record] = await recordsIn(portal);
      const theirs = {
        firstname: 'Aasha',
        phone: '98123 45678',
        wa_opt_out: 'true',
        wa_first_message: 'see call notes',
      };
      await portal.control('PATCH', `/records/contacts/${record?.id}`, { properties: theirs });
      await reconcile(connector, { ...unmarked, lastActivityAt: at + 60_000 });
      expect(await recordsIn(portal)).toMatchObject([{ properties: theirs }]);
    });

    test('a record a rep deleted is made again, or the dead letter says who holds its key', async () => {
      const { connector, ...portal } = await provisioned();
      await reconcile(connector, asha);
      const [record] = await recordsIn(portal);
      await portal.control('DELETE', `/records/contacts/${record?.id}`);
      expect(await reconcile(connector, asha)).toMatchObject([
        rules.archivedKeepsUniqueValues === true
          ? {
              outcome: 'refused',
              code: 'conflict',
              explanation: expect.stringContaining(`record ${record?.id}`) as unknown,
            }
          : { outcome: 'written', created: true },
      ]);
    });

    test('text as hostile as people send it is kept whole', async () => {
      const { connector } = await provisioned();
      const firstMessage = `<script>alert(1)</script> "quotes"; 'more' \\ \u202E\n${'नमस्ते 😀 '.repeat(1_000)}end`;
      await reconcile(connector, { ...asha, firstMessage: `\0${firstMessage}` });
      const [record] = await connector.read([asha.contactId]);
      expect(record?.values['wa_first_message']).toBe(firstMessage);
    });
  });

  describe('tags', () => {
    test('become options before they are written', async () => {
      const { connector, ...portal } = await provisioned();
      await reconcile(connector, asha);
      await reconcile(connector, { ...asha, tags: ['vip', 'new'] });
      expect(await tagOptionsIn(portal)).toEqual(expect.arrayContaining(['vip', 'हिन्दी', 'new']));
      const [record] = await connector.read([asha.contactId]);
      expect(record?.values['wa_tags']?.split(';').toSorted()).toEqual(['new', 'vip', 'हिन्दी']);
    });

    test('of several batches at once are all kept', async () => {
      const { connector, ...portal } = await provisioned();
      const tags = Array.from({ length: 10 }, (_, n) => `tag ${n}`);
      await Promise.all(
        tags.map((tag, n) => reconcile(connector, { ...someone(`contact-${n}`), tags: [tag] })),
      );
      expect(await tagOptionsIn(portal)).toEqual(expect.arrayContaining(tags));
    });

    test('are added again when an admin has removed the option meanwhile', async () => {
      const { connector, ...portal } = await provisioned();
      await reconcile(connector, asha);
      await portal.api('PATCH', '/crm/properties/2026-03/contacts/wa_tags', {
        options: [{ label: 'Other', value: 'Other', displayOrder: 0, hidden: false }],
      });
      const another = { ...someone('contact-b'), tags: ['vip'] };
      expect(await reconcile(connector, another)).toMatchObject([{ outcome: 'written' }]);
      expect(await tagOptionsIn(portal)).toEqual(expect.arrayContaining(['Other', 'vip']));
    });
  });

  describe('what HubSpot refuses', () => {
    const bad: CrmUpsert = { contactId: 'bad', values: { firstname: 'Bad', wa_window_state: 'ajar' } };
    const good: CrmUpsert = { contactId: 'good', values: { firstname: 'Good' } };

    test('alone is an outcome that names the property and no value', async () => {
      const { connector } = await provisioned();
      const [outcome] = await connector.upsert([bad]);
      expect(outcome).toMatchObject({ contactId: 'bad', outcome: 'refused', code: 'INVALID_OPTION' });
      expect(JSON.stringify(outcome)).toContain('wa_window_state');
      expect(JSON.stringify(outcome)).not.toMatch(/ajar|Bad/);
    });

    test('in a batch either stands alone or asks for halving', async () => {
      const { connector } = await provisioned();
      const outcomes = await connector.upsert([good, bad]).catch((error: unknown) => error);
      expect(outcomes).toMatchObject(
        rules.traceIdsAnswerPerItem === 'every write'
          ? [{ outcome: 'written' }, { contactId: 'bad', outcome: 'refused', code: 'INVALID_OPTION' }]
          : { code: 'batch_refused', retry: 'never' },
      );
      expect(await connector.upsert([good])).toMatchObject([{ outcome: 'written' }]);
    });

    test('a new contact without any name is refused with the reason', async () => {
      const { connector } = await provisioned();
      expect(await connector.upsert([{ contactId: 'n', values: { phone: '+15550101' } }])).toMatchObject([
        { outcome: 'refused' },
      ]);
    });

    test('a portal without our properties needs a person, not halving', async () => {
      const connector = (await openPortal(rules)).connect();
      const setUp = { code: 'not_provisioned', retry: 'never' };
      await expect(connector.read(['good'])).rejects.toMatchObject(setUp);
      await expect(connector.upsert([good])).rejects.toMatchObject(setUp);
      await expect(connector.upsert([good, bad])).rejects.toMatchObject(setUp);
    });
  });

  describe('when HubSpot is in trouble', () => {
    test.each([
      [{ status: 429 }, { code: 'rate_limited', retry: { afterMs: 10_000 } }],
      [{ status: 423 }, { code: 'locked', retry: { afterMs: 2_000 } }],
      [{ status: 500 }, { code: 'unavailable', retry: 'later' }],
      [{ status: 503 }, { code: 'unavailable', retry: 'later' }],
      [{ dropConnection: 'before' }, { code: 'unreachable', retry: 'later' }],
      [{ dropConnection: 'after' }, { code: 'unreachable', retry: 'later' }],
    ])('%j is reported as %j, and a repetition leaves one record', async (fault, error) => {
      const { connector, ...portal } = await provisioned();
      const upsert: CrmUpsert = { contactId: 'a', values: { firstname: 'Asha' } };
      await portal.control('PUT', '/faults', { ...fault, times: 1 });
      await expect(connector.upsert([upsert])).rejects.toMatchObject({ ...error, origin: 'crm' });
      expect(await connector.upsert([upsert])).toMatchObject([{ outcome: 'written' }]);
      expect(await recordsIn(portal)).toHaveLength(1);
    });

    test('an answer that comes too late is a timeout, and a repetition leaves one record', async () => {
      const { connector, ...portal } = await provisioned();
      const upsert: CrmUpsert = { contactId: 'a', values: { firstname: 'Asha' } };
      await portal.control('PUT', '/faults', { latencyMs: 1_000, times: 1 });
      await expect(portal.connect({ timeoutMs: 50 }).upsert([upsert])).rejects.toMatchObject({
        code: 'timeout',
      });
      expect(await connector.upsert([upsert])).toMatchObject([{ outcome: 'written' }]);
      expect(await recordsIn(portal)).toHaveLength(1);
    });

    test('a write that takes effect only after it was repeated makes no second record', async () => {
      const { connector, ...portal } = await provisioned();
      await portal.control('PUT', '/faults', { commitAfterMs: 100, times: 1 });
      const late: CrmUpsert = { contactId: 'a', values: { firstname: 'Asha', lastname: 'Late' } };
      await expect(connector.upsert([late])).rejects.toMatchObject({ code: 'unreachable' });
      await connector.upsert([{ contactId: 'a', values: { firstname: 'Asha' } }]);
      await vi.waitUntil(async () => (await recordsIn(portal))[0]?.properties['lastname'] === 'Late');
      expect(await recordsIn(portal)).toHaveLength(1);
    });

    test('the limit of calls is reported with the time to stay away', async () => {
      const { connector, ...portal } = await provisioned();
      await portal.control('PUT', '/rules', { rateLimitMax: 1 });
      await expect(connector.read(['a'])).rejects.toMatchObject({
        code: 'rate_limited',
        retry: { afterMs: 10_000 },
      });
    });

    test('two processes that make the same contact at once leave one record', async () => {
      const portal = await provisioned();
      const upsert: CrmUpsert = { contactId: 'a', values: { firstname: 'Asha' } };
      const outcomes = await Promise.all(Array.from({ length: 8 }, () => portal.connect().upsert([upsert])));
      expect(
        new Set(outcomes.flat().map((outcome) => outcome.outcome === 'written' && outcome.recordId)).size,
      ).toBe(1);
      expect(await recordsIn(portal)).toHaveLength(1);
    });

    test('an expired or wrong token asks to reconnect', async () => {
      const { connector, ...portal } = await provisioned();
      const reconnect = { code: 'reconnect', retry: 'never', origin: 'crm' };
      await expect(portal.connect({ token: 'wrong' }).read(['a'])).rejects.toMatchObject(reconnect);
      await portal.control('PUT', '/token', { expired: true });
      await expect(connector.read(['a'])).rejects.toMatchObject(reconnect);
      await expect(connector.provision()).rejects.toMatchObject(reconnect);
    });
  });
});
