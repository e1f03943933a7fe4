import { beforeEach, describe, expect, test } from 'vitest';
import { SandboxClock } from '../clock.ts';
import type { Answer } from '../http.ts';
import { createHubspot } from './index.ts';
import type { PortalChange } from './changes.ts';
import { hubspotRules } from './rules.ts';

let told: PortalChange[];
let clock: SandboxClock;
let hubspot: ReturnType<typeof createHubspot>;
const byApp = { changeSource: 'INTEGRATION', sourceId: '77' };
const byUser = { changeSource: 'CRM_UI', sourceId: 'userId:2000001' };
const contacts = '/crm/objects/2026-03/contacts';

const open = (rules: object): void => {
  told = [];
  clock = new SandboxClock();
  hubspot = createHubspot({
    mustBeTarget: () => undefined,
    accessToken: 'token',
    appId: '77',
    clock,
    rules: hubspotRules.parse(rules),
    append: () => () => undefined,
    written: () => Promise.resolve(),
    changed: (change) => told.push(change),
  });
};

beforeEach(() => open({}));

function api(method: string, path: string, body?: object): Answer {
  return hubspot
    .call({
      method,
      path,
      query: new URLSearchParams(),
      headers: { authorization: 'Bearer token' },
      bytes: Buffer.alloc(0),
      text: body === undefined ? '' : JSON.stringify(body),
    })
    .run(undefined);
}

/** What was told since the last time, without times. */
function news(): object[] {
  return told.splice(0).map(({ at: _at, ...change }) => change);
}

const user = () => {
  const { contacts: user } = hubspot.userRecords;
  if (user === undefined) throw new Error('no contacts');
  return user;
};

const property = (source: object, propertyName: string, propertyValue: string, objectId = '101') => ({
  kind: 'propertyChange',
  source,
  objectId,
  propertyName,
  propertyValue,
});

describe('an app’s changes', () => {
  test('a creation, then each property it set, at one time', () => {
    api('POST', contacts, { properties: { firstname: 'Asha', phone: '1', city: '' } });
    expect(new Set(told.map(({ at }) => at)).size).toBe(1);
    expect(news()).toEqual([
      { kind: 'creation', source: byApp, objectId: '101' },
      property(byApp, 'firstname', 'Asha'),
      property(byApp, 'phone', '1'),
    ]);
  });

  test('only properties whose value is another, as they are read back', () => {
    api('POST', contacts, { properties: { firstname: 'Asha', city: 'Pune' } });
    told = [];
    api('PATCH', `${contacts}/101`, { properties: { firstname: 'Asha', city: '', email: 'A@B.example' } });
    expect(news()).toEqual([property(byApp, 'city', ''), property(byApp, 'email', 'a@b.example')]);
    api('PATCH', `${contacts}/101`, { properties: { firstname: 'Asha' } });
    expect(news()).toEqual([]);
  });

  test('none of what was refused, nor of a stage that stayed', () => {
    api('POST', contacts, { properties: { firstname: 'Asha', lifecyclestage: 'customer' } });
    told = [];
    api('POST', contacts, { properties: { phone: '1' } });
    api('PATCH', `${contacts}/101`, { properties: { lifecyclestage: 'lead' } });
    const inputs = [{ properties: { firstname: 'B' } }, { properties: {} }];
    api('POST', `${contacts}/batch/create`, { inputs });
    expect(news()).toEqual([]);
  });

  test('every record of a batch', () => {
    api('POST', `${contacts}/batch/create`, {
      inputs: [{ properties: { firstname: 'A' } }, { properties: { firstname: 'B' } }],
    });
    expect(news()).toEqual([
      { kind: 'creation', source: byApp, objectId: '101' },
      property(byApp, 'firstname', 'A'),
      { kind: 'creation', source: byApp, objectId: '102' },
      property(byApp, 'firstname', 'B', '102'),
    ]);
    api('POST', `${contacts}/batch/archive`, { inputs: [{ id: '101' }, { id: '102' }, { id: '101' }] });
    expect(news()).toEqual([
      { kind: 'deletion', source: byApp, objectId: '101' },
      { kind: 'deletion', source: byApp, objectId: '102' },
    ]);
  });

  test('a merge that keeps the primary, then what it filled', () => {
    open({ mergeKeepsPrimaryId: true, mergeTellsDeletion: 'no' });
    api('POST', contacts, { properties: { firstname: 'A' } });
    api('POST', contacts, { properties: { firstname: 'B', city: 'Pune' } });
    told = [];
    api('POST', `${contacts}/merge`, { primaryObjectId: '101', objectIdToMerge: '102' });
    expect(news()).toEqual([
      {
        kind: 'merge',
        source: byApp,
        primaryObjectId: '101',
        mergedObjectIds: ['102'],
        newObjectId: '101',
        numberOfPropertiesMoved: 1,
      },
      property(byApp, 'city', 'Pune'),
    ]);
  });

  test.each(['before', 'after'] as const)(
    'a merge into a new record, and %s it the deletion of both ids',
    (mergeTellsDeletion) => {
      open({ mergeTellsDeletion });
      api('POST', contacts, { properties: { firstname: 'A' } });
      api('POST', contacts, { properties: { firstname: 'B' } });
      told = [];
      api('POST', `${contacts}/merge`, { primaryObjectId: '101', objectIdToMerge: '102' });
      const deletions = ['101', '102'].map((objectId) => ({ kind: 'deletion', source: byApp, objectId }));
      const merged = {
        kind: 'merge',
        primaryObjectId: '101',
        mergedObjectIds: ['102'],
        newObjectId: '103',
      };
      expect(news().slice(0, 3)).toMatchObject(
        mergeTellsDeletion === 'before' ? [...deletions, merged] : [merged, ...deletions],
      );
    },
  );

  test('a privacy deletion', () => {
    api('POST', contacts, { properties: { firstname: 'A' } });
    told = [];
    api('POST', `${contacts}/gdpr-delete`, { objectId: '101' });
    expect(news()).toEqual([{ kind: 'privacyDeletion', source: byApp, objectId: '101' }]);
  });

  test('none for communications', () => {
    api('POST', contacts, { properties: { firstname: 'A' } });
    told = [];
    const { status } = api('POST', '/crm/objects/2026-03/communications', {
      properties: {
        hs_communication_channel_type: 'WHATS_APP',
        hs_communication_logged_from: 'CRM',
        hs_communication_body: 'x',
        hs_timestamp: '2026-11-23T10:00:00Z',
      },
    });
    expect(status).toBe(201);
    expect(news()).toEqual([]);
  });
});

test('a user’s changes carry the user, and the time of the sandbox’s clock', () => {
  clock.advance(86_400_000);
  const before = clock.now();
  user().create({ firstname: 'Asha' });
  user().update('101', { lifecyclestage: 'lead' });
  user().remove('101');
  expect(told.every(({ at }) => at >= before && at <= clock.now())).toBe(true);
  expect(news()).toEqual([
    { kind: 'creation', source: byUser, objectId: '101' },
    property(byUser, 'firstname', 'Asha'),
    property(byUser, 'lifecyclestage', 'lead'),
    { kind: 'deletion', source: byUser, objectId: '101' },
  ]);
});
