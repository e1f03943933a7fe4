import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { accessToken, startSandboxFixture, type SandboxFixture } from './testing/sandbox-fixture.ts';

let fixture: SandboxFixture;

beforeEach(async () => {
  fixture = await startSandboxFixture();
});

afterEach(() => fixture.stop());

const set = (fault: object) => fixture.call('PUT', '/hubspot/faults', fault);
const create = (firstname = 'Asha') =>
  fixture.hubspot('POST', '/crm/objects/2026-03/contacts', { properties: { firstname } });
const names = async () => {
  const { body } = await fixture.call('GET', '/hubspot/records/contacts');
  return (body as { results: { properties: { firstname: string } }[] }).results.map(
    ({ properties }) => properties.firstname,
  );
};
const statuses = async (count: number) => {
  const seen: number[] = [];
  for (let index = 0; index < count; index += 1) seen.push((await create()).status);
  return seen;
};

test.each([
  [503, { status: 'error', category: 'INTERNAL_ERROR' }],
  [423, { status: 'error', category: 'LOCKED' }],
  [429, { errorType: 'RATE_LIMIT', policyName: 'TEN_SECONDLY_ROLLING' }],
  [401, { category: 'EXPIRED_AUTHENTICATION' }],
])('status %i is answered in the shape of the vendor, and nothing happens', async (status, body) => {
  await set({ status });
  expect(await create()).toMatchObject({ status, body });
  expect(await names()).toEqual([]);
});

test.each([
  [{ code: 'LOCKED' }, 423, { category: 'LOCKED' }],
  [{ code: 'DAILY' }, 429, { policyName: 'DAILY' }],
  [{ code: 'LOCKED', status: 200 }, 200, { status: 'error', category: 'LOCKED' }],
  [{ code: 'INVALID_OPTION' }, 400, { category: 'VALIDATION_ERROR', errors: [{ code: 'INVALID_OPTION' }] }],
])('a code of the vendor’s own is answered in its shape: %j', async (fault, status, body) => {
  await set(fault);
  expect(await create()).toMatchObject({ status, body });
  expect(await names()).toEqual([]);
});

describe('item', () => {
  const creates = (...firstnames: string[]) =>
    fixture.hubspot('POST', '/crm/objects/2026-03/contacts/batch/create', {
      inputs: firstnames.map((firstname) => ({ properties: { firstname }, objectWriteTraceId: firstname })),
    });

  test('the nth record that is written is refused with the code, the others are made', async () => {
    await set({ item: { code: 'LOCKED', nth: 3 } });
    expect(await creates('1', '2')).toMatchObject({ status: 201 });
    expect(await creates('3', '4')).toMatchObject({
      status: 207,
      body: { errors: [{ category: 'LOCKED', context: { objectWriteTraceId: ['3'] } }] },
    });
    expect(await creates('5', '6')).toMatchObject({ status: 201 });
    expect(await names()).toEqual(['1', '2', '4', '5', '6']);
  });

  test('a share of them is', async () => {
    await set({ item: { code: 'LOCKED', share: 0.5 } });
    await creates(...Array.from({ length: 100 }, (_, index) => String(index)));
    const made = (await names()).length;
    expect(made).toBeGreaterThan(20);
    expect(made).toBeLessThan(80);
    expect((await set({ item: { code: 'LOCKED' } })).status).toBe(400);
  });
});

test('times: so many calls are hit, then it is over', async () => {
  await set({ status: 500, times: 2 });
  expect(await statuses(4)).toEqual([500, 500, 201, 201]);
});

test('rate: a share of the calls is hit', async () => {
  await fixture.call('PUT', '/hubspot/rules', { rateLimitMax: 0 });
  await set({ status: 500, rate: 0.5 });
  const hit = (await statuses(200)).filter((status) => status === 500).length;
  expect(hit).toBeGreaterThan(60);
  expect(hit).toBeLessThan(140);
  await set({ status: 500, rate: 0 });
  expect(await statuses(3)).toEqual([201, 201, 201]);
});

test('operation: only its calls are hit, and counted as hits', async () => {
  await set({ status: 500, times: 1, operation: 'GET /crm/objects/contacts/{id}' });
  expect(await statuses(2)).toEqual([201, 201]);
  const read = () => fixture.hubspot('GET', '/crm/objects/2026-03/contacts/101');
  expect([(await read()).status, (await read()).status]).toEqual([500, 200]);
});

test('nothing: the fault before is over', async () => {
  await set({ status: 500 });
  await set({});
  expect(await statuses(1)).toEqual([201]);
});

test('latencyMs: the call waits before it happens', async () => {
  await set({ latencyMs: 300, times: 1 });
  const slow = create('slow');
  await vi.waitFor(async () =>
    expect((await fixture.call('GET', '/hubspot/calls')).body).toMatchObject({ total: 1 }),
  );
  await create('fast');
  await slow;
  expect(await names()).toEqual(['fast', 'slow']);
});

test('dropConnection before: no answer and no change', async () => {
  await set({ dropConnection: 'before', times: 1 });
  await expect(create()).rejects.toThrow('fetch failed');
  expect(await names()).toEqual([]);
});

test('dropConnection after: no answer, but the change', async () => {
  await set({ dropConnection: 'after', times: 1 });
  await expect(create()).rejects.toThrow('fetch failed');
  expect(await names()).toEqual(['Asha']);
});

describe('hangMs', () => {
  test('whoever waits is cut off in the end, and nothing happened', async () => {
    await set({ hangMs: 50, times: 1 });
    await expect(create()).rejects.toThrow('fetch failed');
    expect(await names()).toEqual([]);
  });

  test('with dropConnection after, the change is made while the caller waits, as long as they like', async () => {
    await set({ hangMs: 600_000, dropConnection: 'after', times: 1 });
    const leaves = new AbortController();
    const waiting = fetch(
      `http://127.0.0.1:${String(fixture.port)}/sandbox/hubspot/crm/objects/2026-03/contacts`,
      {
        method: 'POST',
        signal: leaves.signal,
        headers: { authorization: `Bearer ${accessToken}` },
        body: JSON.stringify({ properties: { firstname: 'Asha' } }),
      },
    );
    await vi.waitFor(async () => expect(await names()).toEqual(['Asha']));
    leaves.abort();
    await expect(waiting).rejects.toThrow('aborted');
  });
});

describe('commitAfterMs', () => {
  test('the connection is cut now and the change made later', async () => {
    await set({ commitAfterMs: 200, times: 1 });
    await expect(create('late')).rejects.toThrow('fetch failed');
    await create('early');
    await vi.waitFor(async () => expect(await names()).toEqual(['early', 'late']));
  });

  test('with a status, that is answered instead of the cut', async () => {
    await set({ commitAfterMs: 1, status: 504, times: 1 });
    expect(await create()).toMatchObject({ status: 504 });
    await vi.waitFor(async () => expect(await names()).toEqual(['Asha']));
  });
});

test('commitAfterMs follows the sandbox’s clock, in the order of the times', async () => {
  await set({ commitAfterMs: 50_000, times: 1 });
  await expect(create('later')).rejects.toThrow('fetch failed');
  await set({ commitAfterMs: 40_000, times: 1 });
  await expect(create('late')).rejects.toThrow('fetch failed');
  await fixture.call('PUT', '/clock', { advanceMs: 39_000 });
  expect(await names()).toEqual([]);
  await fixture.call('PUT', '/clock', { advanceMs: 61_000 });
  expect(await names()).toEqual(['late', 'later']);
});

test('however far the clock is advanced, what commitAfterMs puts off is made at its own time', async () => {
  await set({ commitAfterMs: 50_000, times: 1 });
  await expect(create('late')).rejects.toThrow('fetch failed');
  const advance = await fixture.call('PUT', '/clock', { advanceMs: 3_600_000 });
  const { body } = await fixture.call('GET', '/hubspot/records/contacts');
  const [record] = (body as { results: { properties: { createdate: string } }[] }).results;
  const { now } = advance.body as { now: number };
  expect(now - Date.parse(record?.properties.createdate ?? '')).toBeGreaterThanOrEqual(3_600_000 - 50_000);
});

describe('garbage', () => {
  const raw = () =>
    fetch(`http://127.0.0.1:${String(fixture.port)}/sandbox/hubspot/crm/objects/2026-03/contacts`, {
      method: 'POST',
      redirect: 'manual',
      headers: { authorization: `Bearer ${accessToken}` },
      body: JSON.stringify({ properties: { firstname: 'Asha' } }),
    });

  test.each([[200], [403]])('html: a page with %i, and nothing happens', async (status) => {
    await set({ garbage: 'html', times: 1, ...(status === 200 ? {} : { status }) });
    const response = await raw();
    expect(response.status).toBe(status);
    expect(await response.text()).toContain('<h1>');
    expect(await names()).toEqual([]);
  });

  test('truncated: half the answer, but the change', async () => {
    await set({ garbage: 'truncated', times: 1 });
    const response = await raw();
    expect(response.status).toBe(200);
    await expect(response.json()).rejects.toThrow(SyntaxError);
    expect(await names()).toEqual(['Asha']);
  });

  test('endless: the change, and an answer that goes on until the caller has had enough', async () => {
    await set({ garbage: 'endless', times: 1 });
    const reader = (await raw()).body?.getReader();
    let read = 0;
    while (read < 300_000) read += (await reader?.read())?.value?.length ?? 0;
    await reader?.cancel();
    expect(await names()).toEqual(['Asha']);
  });

  test('redirectTo: 307, and nothing happens', async () => {
    await set({ redirectTo: 'http://127.0.0.1:9/elsewhere', times: 1 });
    const response = await raw();
    expect(response.status).toBe(307);
    expect(response.headers.get('location')).toBe('http://127.0.0.1:9/elsewhere');
    expect(await names()).toEqual([]);
  });
});

describe('readLagMs', () => {
  const read = (id: string) => fixture.hubspot('GET', `/crm/objects/2026-03/contacts/${id}`);
  const rename = (firstname: string) =>
    fixture.hubspot('PATCH', '/crm/objects/2026-03/contacts/101', { properties: { firstname } });

  test('reads see what was so that long ago, while writes and users see what is', async () => {
    await create('before');
    await set({ readLagMs: 60_000 });
    await rename('after');
    await create('new');
    expect((await read('101')).body).toMatchObject({ properties: { firstname: 'before' } });
    expect(await read('102')).toMatchObject({ status: 404 });
    expect(await names()).toEqual(['after', 'new']);
    await fixture.call('PUT', '/clock', { advanceMs: 60_001 });
    expect((await read('101')).body).toMatchObject({ properties: { firstname: 'after' } });
    expect(await read('102')).toMatchObject({ status: 200 });
  });

  test('a deleted record is still read, by its unique value too, and found missing later', async () => {
    await fixture.hubspot('POST', '/crm/objects/2026-03/contacts', { properties: { email: 'a@b.example' } });
    await set({ readLagMs: 60_000 });
    await fixture.call('DELETE', '/hubspot/records/contacts/101');
    expect(await read('101')).toMatchObject({ status: 200 });
    expect(await read('a@b.example?idProperty=email')).toMatchObject({ status: 200 });
    await set({});
    expect(await read('101')).toMatchObject({ status: 404 });
  });
});
