import { randomUUID } from 'node:crypto';
import { systemClock } from '@sangam/core/clock';
import { createSessions } from '@sangam/service';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createServiceFixture, enter, type ServiceProcess, type ServiceFixture } from './harness/index.ts';

/** Links, sessions, and what a role may do. */

let fixture: ServiceFixture;
let service: ServiceProcess;
beforeAll(async () => {
  fixture = await createServiceFixture();
  service = await fixture.startService();
});
afterAll(() => fixture.close());

const sessionsAt = (now: () => number) => createSessions(fixture.store, { now });
const sessions = () => createSessions(fixture.store, systemClock);

async function member(role: 'admin' | 'rep' | 'read-only'): Promise<string> {
  const memberId = randomUUID();
  const { workspaceId } = fixture.parties;
  await fixture.store.transact(workspaceId, (trx) =>
    trx
      .insertInto('members')
      .values({
        workspace_id: workspaceId,
        member_id: memberId,
        email: `${memberId}@sangam.example`,
        role,
        created_at: 0,
      })
      .execute(),
  );
  return memberId;
}

async function signedIn(role: 'admin' | 'rep' | 'read-only' = 'admin', memberId?: string): Promise<string> {
  const id = memberId ?? (await member(role));
  const link = await sessions().makeLink(fixture.parties.workspaceId, id);
  return enter(service.url, `${service.url}/admin/enter/${link}`);
}

const ask = (headers: Record<string, string>, method = 'GET', route = '/api/v1/alerts'): Promise<Response> =>
  fetch(`${service.url}${route}`, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(method === 'GET' ? {} : { body: '{}' }),
  });

describe('a link', () => {
  test('is not spent by being opened, looked at or asked about, and is spent by its button, once', async () => {
    const token = await sessions().makeLink(fixture.parties.workspaceId, await member('admin'));
    const link = `${service.url}/admin/enter/${token}`;
    for (const method of ['GET', 'HEAD', 'GET']) {
      const opened = await fetch(link, { method });
      expect(opened.status).toBe(200);
      expect(opened.headers.get('set-cookie')).toBeNull();
      expect(opened.headers.get('cache-control')).toBe('no-store');
    }
    expect(await (await fetch(link)).text()).toMatch(/<form method="post"><button/);
    const pressed = await fetch(link, { method: 'POST', redirect: 'manual' });
    expect(pressed.status).toBe(303);
    expect(pressed.headers.get('set-cookie')).toMatch(/Max-Age=604800;.*HttpOnly; SameSite=Strict$/);
    expect((await fetch(link, { method: 'POST' })).status).toBe(410);
  });

  test('that is spent or pressed elsewhere says so on a page, and to scripts as an error', async () => {
    const spent = `${service.url}/admin/enter/${randomUUID()}`;
    const foreign = { origin: 'https://evil.example' };
    for (const [headers, status, code, words] of [
      [{}, 410, 'link_used', /used or has expired.*<code>npm run admin-link<\/code> makes a new one/],
      [foreign, 403, 'foreign_page', /Open the link as it was printed/],
    ] as const) {
      const accept = 'text/html,application/xhtml+xml,*/*;q=0.8';
      const page = await fetch(spent, { method: 'POST', headers: { ...headers, accept } });
      expect(page.status).toBe(status);
      expect(page.headers.get('content-type')).toContain('text/html');
      expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(await page.text()).toMatch(words);
      const script = await fetch(spent, {
        method: 'POST',
        headers: { ...headers, accept: 'application/json' },
      });
      expect(await script.json()).toMatchObject({ error: { code } });
    }
  });

  test('signs nobody in from a page of somebody else’s', async () => {
    const token = await sessions().makeLink(fixture.parties.workspaceId, await member('admin'));
    const link = `${service.url}/admin/enter/${token}`;
    for (const origin of ['https://evil.example', 'null']) {
      const foreign = await fetch(link, { method: 'POST', headers: { origin }, redirect: 'manual' });
      expect(foreign.status).toBe(403);
      expect(foreign.headers.get('set-cookie')).toBeNull();
    }
    // As one who opened the link at 127.0.0.1 is told.
    const elsewhere = await fetch(link, { method: 'POST', headers: { origin: 'http://127.0.0.1:1' } });
    expect(await elsewhere.text()).toContain(`at <b>${new URL(service.url).origin}</b>`);
    // A browser names the page a form stands on, unless the page forbids it.
    expect((await fetch(link)).headers.get('referrer-policy')).toBe('same-origin');
    const { origin } = new URL(service.url);
    expect((await fetch(link, { method: 'POST', headers: { origin }, redirect: 'manual' })).status).toBe(303);
  });

  test('ends after a day, and a session after seven', async () => {
    const day = 24 * 60 * 60 * 1000;
    const start = systemClock.now();
    const { workspaceId } = fixture.parties;
    const memberId = await member('rep');
    const at = (days: number) => sessionsAt(() => start + days * day);
    const late = await at(0).makeLink(workspaceId, memberId);
    expect(await at(1.01).enter(late)).toBeUndefined();
    const link = await at(0).makeLink(workspaceId, memberId);
    const session = (await at(0.99).enter(link)) ?? '';
    expect(await at(7.9).memberOf(session)).toMatchObject({ memberId });
    expect(await at(8.1).memberOf(session)).toBeUndefined();
  });
});

describe('a session', () => {
  test('is a bearer token in any case, and a cookie for our own pages alone', async () => {
    const session = await signedIn();
    for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
      expect((await ask({ authorization: `${scheme} ${session}` })).status).toBe(200);
    }
    const cookie = `sangam_session=${session}`;
    expect((await ask({ cookie })).status).toBe(200);
    expect((await ask({ cookie, origin: new URL(service.url).origin })).status).toBe(200);
    for (const origin of ['null', 'http://', 'not an origin', 'https://evil.example', 'http://localhost']) {
      expect((await ask({ cookie, origin })).status, origin).toBe(401);
    }
  });

  test('ends by signing out; all of a member’s end together, and nobody else’s', async () => {
    const memberId = await member('admin');
    const [one, two, three] = [
      await signedIn('admin', memberId),
      await signedIn('admin', memberId),
      await signedIn('admin', memberId),
    ];
    const other = await signedIn();
    const status = async (session: string): Promise<number> =>
      (await ask({ authorization: `Bearer ${session}` })).status;
    expect((await ask({ authorization: `Bearer ${one}` }, 'DELETE', '/api/v1/session')).status).toBe(204);
    expect([await status(one), await status(two)]).toEqual([401, 200]);
    expect((await ask({ authorization: `Bearer ${two}` }, 'DELETE', '/api/v1/session/all')).status).toBe(204);
    expect([await status(two), await status(three), await status(other)]).toEqual([401, 401, 200]);
  });
});

test('who may only read changes nothing, and signs out', async () => {
  const contact = `/api/v1/contacts/${randomUUID()}/tags`;
  const reader = { authorization: `Bearer ${await signedIn('read-only')}` };
  expect((await ask(reader, 'GET', '/api/v1/contacts?phone=%2B919812345678')).status).toBe(200);
  expect((await ask(reader, 'POST', contact)).status).toBe(403);
  expect((await ask(reader, 'GET', '/api/v1/alerts')).status).toBe(403);
  const rep = { authorization: `Bearer ${await signedIn('rep')}` };
  expect((await ask(rep, 'POST', contact)).status).toBe(400);
  expect((await ask(reader, 'DELETE', '/api/v1/session')).status).toBe(204);
});
