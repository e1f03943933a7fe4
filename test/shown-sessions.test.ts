import { createHmac, randomUUID } from 'node:crypto';
import { simulators } from '@sangam/sandbox';
import type { Service } from '@sangam/service';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createServiceFixture, type ServiceFixture } from './harness/index.ts';

/** Who looks at a card of ours in HubSpot, as HubSpot signs it when the card asks us. */

let fixture: ServiceFixture;
let service: Service;
let address: string;

beforeAll(async () => {
  fixture = await createServiceFixture();
  service = await fixture.openService({ work: false });
  address = `${service.url()}/apps/hubspot/session`;
});
afterAll(() => fixture.close());

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** The card asks through the CRM, as `hubspot.fetch` does. */
async function cardAsks(url: string, method = 'GET'): Promise<Answer> {
  const said: { status: number; body: string } = await fixture.control('POST', '/hubspot/fetch', {
    url,
    method,
  });
  return { status: said.status, body: JSON.parse(said.body) as Answer['body'] };
}

/** Somebody who holds `secret` asks; `added` goes into the address after it was signed. */
async function asks(
  query: string,
  { secret = fixture.parties.hubspot.clientSecret ?? '', at = fixture.clock.now(), added = '' } = {},
): Promise<Answer> {
  const url = `${address}?${query}`;
  const signature = createHmac('sha256', secret)
    .update(`GET${url}${String(at)}`)
    .digest('base64');
  const response = await fetch(`${url}${added}`, {
    headers: { 'x-hubspot-signature-v3': signature, 'x-hubspot-request-timestamp': String(at) },
  });
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

const refused = (status: number, code: string): object => ({ status, body: { error: { code } } });
const { account } = simulators.hubspot;
const whoLooks = (more: object = {}): string =>
  new URLSearchParams({ portalId: account, userId: '7', ...more }).toString();

describe('who looks at a card in HubSpot', () => {
  test.each(['GET', 'POST'])('is told with whose account it is: %s', async (method) => {
    expect(await cardAsks(address, method)).toEqual({
      status: 200,
      body: {
        connectionId: fixture.parties.hubspot.connectionId,
        account,
        user: { id: '2000001', email: 'user@portal.example' },
        member: null,
      },
    });
  });

  test('is a member where one has their e-mail, however it is spelled', async () => {
    const memberId = randomUUID();
    const row = {
      workspace_id: fixture.parties.workspaceId,
      member_id: memberId,
      email: 'User@Portal.example',
      role: 'rep' as const,
      created_at: 0,
    };
    await fixture.store.transact(row.workspace_id, (trx) => trx.insertInto('members').values(row).execute());
    expect((await cardAsks(address)).body).toMatchObject({ member: { memberId, role: 'rep' } });
  });

  test('is nobody of an account that is not connected', async () => {
    expect(await asks(whoLooks())).toMatchObject({ status: 200, body: { user: { id: '7' } } });
    expect(await asks(whoLooks({ portalId: '999' }))).toMatchObject(refused(403, 'foreign_account'));
  });

  test('is nobody unless HubSpot itself says so, just now', async () => {
    const bad = refused(401, 'bad_signature');
    expect(await asks(whoLooks(), { secret: 'guessed' })).toMatchObject(bad);
    expect(await asks(whoLooks(), { added: '&userId=8' })).toMatchObject(bad);
    expect(await asks(whoLooks(), { at: fixture.clock.now() - 301_000 })).toMatchObject(bad);
    const response = await fetch(`${address}?${whoLooks()}`);
    expect(response.status).toBe(401);
  });

  test.each([
    ['no account', 'userId=7'],
    ['no user', `portalId=${account}`],
    ['two accounts', `portalId=${account}&userId=7&portalId=999`],
    ['two users', `portalId=${account}&userId=7&userId=8`],
  ])('is nobody where it is signed but not clear who: %s', async (_name, query) => {
    expect(await asks(query)).toMatchObject(refused(400, 'nobody_named'));
  });

  test('is nobody once the account was let go', async () => {
    const { workspaceId, hubspot } = fixture.parties;
    const disconnect = (at: number | null) =>
      fixture.store.transact(workspaceId, (trx) =>
        trx
          .updateTable('crm_connections')
          .set({ disconnected_at: at })
          .where('workspace_id', '=', workspaceId)
          .where('connection_id', '=', hubspot.connectionId)
          .execute(),
      );
    await disconnect(1);
    expect(await asks(whoLooks())).toMatchObject(refused(403, 'foreign_account'));
    await disconnect(null);
    expect((await asks(whoLooks())).status).toBe(200);
  });
});

test('an address for webhooks says that it is there, and nothing else, to whoever asks with HEAD', async () => {
  for (const path of ['', `/${fixture.parties.hubspot.connectionId}`, `/${randomUUID()}`]) {
    const response = await fetch(`${service.url()}/webhooks/hubspot${path}`, { method: 'HEAD' });
    expect(response.status, path).toBe(200);
    expect(await response.text()).toBe('');
  }
});
