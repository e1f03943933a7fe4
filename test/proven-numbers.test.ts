import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { systemClock } from '@sangam/core/clock';
import { accessTokenOf, listAlerts } from '@sangam/core/store';
import {
  createOwnNumberReader,
  createSecretBox,
  createSessions,
  ensureLiveWorkspace,
  type LiveNumber,
  liveWorkspaceId,
} from '@sangam/service';
import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Api,
  apiOf,
  createServiceFixture,
  type ServiceProcess,
  text,
  type ServiceFixture,
  until,
  webhook,
} from './harness/index.ts';

/** A number belongs to who proves it with an access token that Meta shows the number to. */

let fixture: ServiceFixture;
let service: ServiceProcess;
let token: string;

/** A workspace whose admin is signed in. */
interface Business {
  readonly workspaceId: string;
  readonly api: Api;
}

beforeAll(async () => {
  fixture = await createServiceFixture();
  service = await fixture.startService();
  token = fixture.parties.whatsapp.accessToken;
});
afterAll(() => fixture.close());

async function business(workspaceId: string = randomUUID()): Promise<Business> {
  const memberId = randomUUID();
  await fixture.store.transact(workspaceId, async (trx) => {
    await trx
      .insertInto('workspaces')
      .values({ workspace_id: workspaceId, name: 'Business', sandbox: true, created_at: 0 })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    await trx
      .insertInto('members')
      .values({
        workspace_id: workspaceId,
        member_id: memberId,
        email: `${memberId}@sangam.example`,
        role: 'admin',
        created_at: 0,
      })
      .execute();
  });
  const sessions = createSessions(fixture.store, systemClock);
  const session = (await sessions.enter(await sessions.makeLink(workspaceId, memberId))) ?? '';
  return {
    workspaceId,
    api: apiOf(service.url, session),
  };
}

interface Channel {
  readonly channelId: string;
  readonly releasedAt: string | null;
}

const secretOf = ({ workspaceId }: Business): string => `the-app-secret-of-${workspaceId}`;

const connect = (
  who: Business,
  more: { accessToken?: string; displayPhoneNumber?: string; wabaId?: string },
) => {
  const { phoneNumberId, wabaId } = fixture.parties.whatsapp;
  return who.api('POST', '/channels', {
    phoneNumberId,
    wabaId,
    appSecret: secretOf(who),
    verifyToken: 'verify-this',
    ...more,
  });
};

/** A message of a customer, signed by the app of a business, on the route of its channel. */
const write = (who: Business, channelId: string, phone: string): Promise<void> =>
  send(
    who,
    channelId,
    webhook(fixture.parties.whatsapp, [text({ phone }, `w.${randomUUID()}`, Date.now() - 5000, 'hello')]),
  );

async function send(who: Business, channelId: string, told: object): Promise<void> {
  const body = JSON.stringify(told);
  const signature = createHmac('sha256', secretOf(who)).update(body).digest('hex');
  const response = await fetch(`${service.url}/webhooks/whatsapp/${channelId}`, {
    method: 'POST',
    body,
    headers: { 'x-hub-signature-256': `sha256=${signature}` },
  });
  expect(response.status).toBe(200);
}

async function knows(who: Business, phone: string): Promise<boolean> {
  const { body } = await who.api('GET', `/contacts?phone=%2B${phone}`);
  return (body as { results: object[] }).results.length === 1;
}

interface Wrong {
  readonly error: { readonly fields: readonly object[] };
}
const refused = (code: string): object => ({ error: { code, message: expect.any(String) } });
const channelsOf = async (who: Business): Promise<Channel[]> =>
  ((await who.api('GET', '/channels')).body as { results: Channel[] }).results;
/** A client of the database's owner, and whether so many wait for locks of one kind. */
async function openHolding() {
  const client = new pg.Client({ connectionString: fixture.databaseUrl });
  await client.connect();
  const waiting =
    (most: number, event = '%') =>
    async (): Promise<boolean> => {
      const { rowCount } = await client.query(
        "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and wait_event like $1",
        [event],
      );
      return rowCount === most;
    };
  return { holding: client, waiting };
}
const alertsOf = (who: Business) =>
  fixture.store.transact(who.workspaceId, (trx) => listAlerts(trx, { limit: 100 }));

describe('one number and two businesses', () => {
  let claimant: Business;
  let owner: Business;
  let claimed: string;
  let own: string;

  beforeAll(async () => {
    const sandbox = await business(fixture.parties.workspaceId);
    const mine = await channelsOf(sandbox);
    expect(mine).toMatchObject([
      { channelId: fixture.parties.whatsapp.channelId, proven: true, releasedAt: null },
    ]);
    expect((await sandbox.api('DELETE', `/channels/${fixture.parties.whatsapp.channelId}`)).status).toBe(204);
    claimant = await business();
    owner = await business();
  });

  test('without a token the number is connected and receives', async () => {
    expect((await connect(claimant, {})).body).toMatchObject(refused('unreadable_number'));
    const { status, body } = await connect(claimant, { displayPhoneNumber: '+49 30 901820' });
    expect(status).toBe(201);
    expect(body).toMatchObject({ proven: false, releasedAt: null, displayPhoneNumber: '+49 30 901820' });
    claimed = (body as Channel).channelId;
    await write(claimant, claimed, '919811111111');
    await until('the contact of the claimant', () => knows(claimant, '919811111111'));
  });

  test('nobody takes it over without proof, and a token that proves nothing is never shown', async () => {
    const plain = await connect(owner, { displayPhoneNumber: '+91 80471 00000' });
    expect(plain).toMatchObject({ status: 409, body: refused('number_taken') });
    expect(plain.text).toContain('accessToken');

    // Meta repeats such a token in its error.
    const wrong = `EAA${randomBytes(16).toString('hex')}`;
    const answer = await connect(owner, { accessToken: wrong });
    expect(answer).toMatchObject({ status: 409, body: refused('token_refused') });
    const elsewhere = await connect(owner, { accessToken: token, wabaId: '299999999999999' });
    expect(elsewhere).toMatchObject({ status: 409, body: refused('number_not_shown') });
    const pasted = await Promise.all(
      [`${wrong}\n${wrong}`, `Bearer ${wrong}`, `"${wrong}"`].map((accessToken) =>
        connect(owner, { accessToken }),
      ),
    );
    expect(pasted.map(({ status, body }) => [status, (body as Wrong).error.fields])).toEqual(
      [/holds a line break/, /without "Bearer"/, /stands in quotes/].map((message) => [
        400,
        [{ path: 'accessToken', message: expect.stringMatching(message) }],
      ]),
    );
    const said = [answer, elsewhere, ...pasted].map(({ text }) => text).join('');
    for (const secret of [wrong, token]) {
      expect(`${said}${service.output()}`).not.toContain(secret);
    }
    expect(await channelsOf(claimant)).toMatchObject([{ proven: false, releasedAt: null }]);
  });

  test('who proves it takes it over; what was received stays, and the other is told', async () => {
    const { status, body, text: said } = await connect(owner, { accessToken: token });
    expect(status).toBe(201);
    // As Meta tells it, not as anybody wrote it.
    expect(body).toMatchObject({
      proven: true,
      displayPhoneNumber: fixture.parties.whatsapp.displayPhoneNumber,
      wabaId: fixture.parties.whatsapp.wabaId,
    });
    expect(said).not.toContain(token);
    own = (body as Channel).channelId;
    expect(await channelsOf(claimant)).toMatchObject([
      { channelId: claimed, proven: false, releasedAt: expect.stringMatching(/^\d{4}-/) },
    ]);
    expect(await alertsOf(claimant)).toMatchObject([{ kind: 'number taken over', closedAt: null }]);
    expect(await knows(claimant, '919811111111')).toBe(true);
    expect(await knows(owner, '919811111111')).toBe(false);

    await write(owner, own, '919822222222');
    await write(claimant, claimed, '919833333333');
    await until('the contact of the owner', () => knows(owner, '919822222222'));
    await until('what is signed by another to be parked', async () => {
      const { body: letters } = await claimant.api('GET', '/dead-letters');
      return (letters as { results: { reason: string }[] }).results.some(
        ({ reason }) => reason === 'foreign channel',
      );
    });
    expect(await knows(owner, '919833333333')).toBe(false);
  });

  test('an account that somebody else claims as well is the signer’s', async () => {
    const { wabaId } = fixture.parties.whatsapp;
    // Of several channels under an account the least id comes first.
    const first = '00000000-0000-4000-8000-000000000000';
    await fixture.store.transact(claimant.workspaceId, (trx) =>
      trx
        .insertInto('directory_channels')
        .values({
          phone_number_id: '1',
          waba_id: wabaId,
          channel_id: first,
          workspace_id: claimant.workspaceId,
          app: 'own',
          portfolio: wabaId,
          region: 'IN',
        })
        .execute(),
    );
    // Whatever this process remembers of channels is read anew.
    expect((await owner.api('PUT', `/channels/${own}/settings`, { optWordLanguages: [] })).status).toBe(204);
    const update = { field: 'account_review_update', value: { decision: 'APPROVED' } };
    await send(owner, own, { entry: [{ id: wabaId, changes: [update] }] });
    await until('the account’s news to be kept', async () => {
      const { body } = await owner.api('GET', '/kept-events?kind=account_review_update');
      return (body as { results: object[] }).results.length === 1;
    });
    expect((await claimant.api('DELETE', `/channels/${first}`)).status).toBe(204);
  });

  test('a later proof is refused while the number is connected', async () => {
    const late = await connect(claimant, { accessToken: token });
    expect(late).toMatchObject({ status: 409, body: refused('number_taken') });
    expect(late.text).toContain('has proved that this number is theirs');
    expect(await channelsOf(owner)).toMatchObject([{ channelId: own, proven: true, releasedAt: null }]);
  });

  test('a token is replaced by one that proves as well, and by no other', async () => {
    const put = (accessToken: string) => owner.api('PUT', `/channels/${own}/access-token`, { accessToken });
    expect(await put('EAA-of-somebody-else')).toMatchObject({ status: 409, body: refused('token_refused') });
    expect(await put(token)).toMatchObject({ status: 200, body: { proven: true } });
    expect(await claimant.api('PUT', `/channels/${own}/access-token`, { accessToken: token })).toMatchObject({
      status: 404,
    });
    expect(
      await claimant.api('PUT', `/channels/${claimed}/access-token`, { accessToken: token }),
    ).toMatchObject({ status: 409, body: refused('channel_released') });
    expect((await claimant.api('DELETE', `/channels/${own}`)).status).toBe(404);
  });

  test('once it is let go, another’s proof counts, and their old conversations go on', async () => {
    const tokenKept = () =>
      fixture.store.transact(owner.workspaceId, async (trx) => (await accessTokenOf(trx, own)) !== null);
    expect(await tokenKept()).toBe(true);
    expect((await owner.api('DELETE', `/channels/${own}`)).status).toBe(204);
    expect(await tokenKept()).toBe(false);
    const { status, body } = await connect(claimant, { accessToken: token });
    expect(status).toBe(201);
    expect(body).toMatchObject({ channelId: claimed, proven: true, releasedAt: null });
    expect(await alertsOf(claimant)).toMatchObject([
      { kind: 'number taken over', closedAt: expect.any(Number) },
    ]);
    await write(claimant, claimed, '919833333333');
    await until('the contact of the claimant', () => knows(claimant, '919833333333'));
    expect((await claimant.api('DELETE', `/channels/${claimed}`)).status).toBe(204);
  });

  test('of two that prove it at once one has it', async () => {
    const answers = await Promise.all([owner, claimant].map((who) => connect(who, { accessToken: token })));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409]);
    const both = [...(await channelsOf(owner)), ...(await channelsOf(claimant))];
    const held = both.filter(({ releasedAt }) => releasedAt === null);
    expect(held).toHaveLength(1);
    for (const who of [owner, claimant]) await who.api('DELETE', `/channels/${held[0]?.channelId ?? ''}`);
  });

  test('a proof that comes between another’s look and their take-over holds', async () => {
    const first = await business();
    const { channelId } = (await connect(first, { displayPhoneNumber: '+49 30 901820' })).body as Channel;
    const { holding, waiting } = await openHolding();
    try {
      // Who waits for a number is let in in turn: the look, the proof, and only then the take-over.
      const lock = `hashtextextended('number ${fixture.parties.whatsapp.phoneNumberId}', 0)`;
      await holding.query(`select pg_advisory_lock(${lock})`);
      const takeOver = connect(owner, { accessToken: token });
      await until('the look to wait', waiting(1, 'advisory'));
      const proof = first.api('PUT', `/channels/${channelId}/access-token`, { accessToken: token });
      await until('the proof to wait', waiting(2, 'advisory'));
      await holding.query(`select pg_advisory_unlock(${lock})`);
      expect(await proof).toMatchObject({ status: 200, body: { proven: true } });
      expect(await takeOver).toMatchObject({ status: 409, body: refused('number_taken') });
    } finally {
      await holding.end();
    }
    expect(await channelsOf(first)).toMatchObject([{ proven: true, releasedAt: null }]);
    expect(await alertsOf(first)).toEqual([]);
    expect((await first.api('DELETE', `/channels/${channelId}`)).status).toBe(204);
  });

  test('a proof half done is not undone by another’s', async () => {
    const first = await business();
    const { channelId } = (await connect(first, { displayPhoneNumber: '+49 30 901820' })).body as Channel;
    const { holding, waiting } = await openHolding();
    try {
      // Holds the second of the two tables a proof is written into.
      await holding.query('begin');
      await holding.query('select 1 from channels where channel_id = $1 for update', [channelId]);
      const proof = first.api('PUT', `/channels/${channelId}/access-token`, { accessToken: token });
      await until('the proof to wait', waiting(1));
      const takeOver = connect(owner, { accessToken: token });
      await until('the take-over to wait', waiting(2));
      await holding.query('commit');
      expect(await proof).toMatchObject({ status: 200, body: { proven: true } });
      expect(await takeOver).toMatchObject({ status: 409, body: refused('number_taken') });
    } finally {
      await holding.end();
    }
    expect(await channelsOf(first)).toMatchObject([{ proven: true, releasedAt: null }]);
    expect(await alertsOf(first)).toEqual([]);
    expect((await first.api('DELETE', `/channels/${channelId}`)).status).toBe(204);
  });
});

describe('the number the environment names', () => {
  const box = createSecretBox([randomBytes(32)]);
  const { phoneNumberId, wabaId } = { phoneNumberId: '100000000000001', wabaId: '200000000000001' };
  const named: LiveNumber = {
    appSecrets: ['the-secret-of-today'],
    verifyToken: 'verify-this',
    phoneNumberId,
    wabaId,
    portfolio: wabaId,
    displayPhoneNumber: undefined,
    accessToken: undefined,
  };
  let asked = 0;
  const start = (number: LiveNumber): Promise<string | undefined> => {
    const reader = createOwnNumberReader({ version: 'v26.0', sandboxUrl: async () => fixture.sandboxUrl });
    return ensureLiveWorkspace(fixture.store, box, systemClock, { number, crms: {} }, (_live, question) => {
      asked += 1;
      return reader({ sandbox: true }, question);
    });
  };
  const display = { displayPhoneNumber: '+91 80471 00000' };

  test('is not taken from another without a token, and is with one', async () => {
    const claimant = await business();
    expect((await connect(claimant, display)).status).toBe(201);
    expect(await start({ ...named, ...display })).toMatch(/has not proved .* Set WHATSAPP_ACCESS_TOKEN/);
    expect(await channelsOf(claimant)).toMatchObject([{ releasedAt: null }]);
    const told = { kind: 'number taken over', subject: phoneNumberId };
    expect(await alertsOf(await business(liveWorkspaceId))).toMatchObject([{ ...told, closedAt: null }]);
    await expect(start({ ...named, accessToken: 'EAA-of-somebody-else' })).rejects.toThrow(
      /^WHATSAPP_ACCESS_TOKEN does not prove that the number is yours: (?!.*EAA)/,
    );
    await start({ ...named, accessToken: token });
    const live = await business(liveWorkspaceId);
    expect(await channelsOf(live)).toMatchObject([{ app: 'service', proven: true, ...display }]);
    expect(await alertsOf(live)).toMatchObject([{ ...told, closedAt: expect.any(Number) }]);
    expect(await channelsOf(claimant)).toMatchObject([{ releasedAt: expect.any(String) }]);
    expect(await connect(claimant, { accessToken: token })).toMatchObject({ status: 409 });
  });

  test('is asked for once a token, and a start without one changes nothing', async () => {
    const before = asked;
    await start({ ...named, accessToken: token });
    await start({ ...named, ...display });
    expect(asked).toBe(before);
    const live = await business(liveWorkspaceId);
    expect(await channelsOf(live)).toMatchObject([{ proven: true, releasedAt: null }]);
  });

  const letGo = async (live: Business): Promise<void> => {
    const held = (await channelsOf(live)).find(({ releasedAt }) => releasedAt === null);
    expect((await live.api('DELETE', `/channels/${held?.channelId ?? ''}`)).status).toBe(204);
  };

  test('comes back to the service’s app at the next start, whatever an admin connected it as', async () => {
    const live = await business(liveWorkspaceId);
    await letGo(live);
    expect(await connect(live, display)).toMatchObject({ status: 201, body: { app: 'own' } });
    expect(await start({ ...named, ...display })).toBeUndefined();
    expect(await channelsOf(live)).toMatchObject([{ app: 'service', releasedAt: null }]);
    const { rows } = await fixture.store.transact(liveWorkspaceId, (trx) =>
      sql`select app_secret, verify_token from channels where workspace_id = ${liveWorkspaceId}`.execute(trx),
    );
    expect(rows).toEqual([{ app_secret: null, verify_token: null }]);

    // Nobody proved it: the environment says how it is written.
    for (const displayPhoneNumber of ['+49 30 901820', display.displayPhoneNumber]) {
      expect(await start({ ...named, displayPhoneNumber })).toBeUndefined();
      expect(await channelsOf(live)).toMatchObject([{ displayPhoneNumber, proven: false }]);
    }

    await letGo(live);
    expect((await connect(live, { ...display, wabaId: '299999999999999' })).status).toBe(201);
    expect(await start({ ...named, ...display })).toBeUndefined();
    expect(await channelsOf(live)).toMatchObject([
      { app: 'service', wabaId, releasedAt: null },
      { app: 'own', releasedAt: expect.any(String) },
    ]);
  });

  test('stays with another who proves it; the service starts, and tells the live workspace', async () => {
    const live = await business(liveWorkspaceId);
    const owner = await business();
    // By now the number runs unproven.
    expect((await connect(owner, { accessToken: token })).status).toBe(201);
    for (const number of [
      { ...named, accessToken: token },
      { ...named, ...display },
    ]) {
      expect(await start(number)).toMatch(/connected to another workspace, which has proved/);
    }
    expect(await channelsOf(owner)).toMatchObject([{ proven: true, releasedAt: null }]);
    const open = (await alertsOf(live)).filter(({ closedAt }) => closedAt === null);
    expect(open).toMatchObject([{ kind: 'number taken over', subject: phoneNumberId }]);
  });
});
