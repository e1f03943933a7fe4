import { describe, expect, test } from 'vitest';
import { codeOf, openWhatsapp, templatesPath, type WhatsappFixture } from '../testing/whatsapp-fixture.ts';

const hello = { text: { body: 'Hello' } };
const hour = 3_600_000;
const wait = (whatsapp: WhatsappFixture, advanceMs: number) => whatsapp.call('PUT', '/clock', { advanceMs });

/** The codes of so many sends; undefined = accepted. */
async function codesOf(
  whatsapp: WhatsappFixture,
  count: number,
  send = () => whatsapp.send(hello),
): Promise<unknown[]> {
  const codes: unknown[] = [];
  for (let sent = 0; sent < count; sent += 1) codes.push(codeOf(await send()));
  return codes;
}

// No test's pace may count: intervals are longer than any machine takes, and end by the sandbox's clock.
describe('one person', () => {
  const rules = { whatsapp: { pairBurst: 3, pairIntervalMs: hour } };

  test('takes a burst, then one each interval; another person goes on', async () => {
    const whatsapp = await openWhatsapp({ rules });
    await whatsapp.write({});
    expect(await codesOf(whatsapp, 5)).toEqual([undefined, undefined, undefined, 131_056, 131_056]);
    expect((await whatsapp.sendTemplate('welcome', [], { to: '2' })).status).toBe(200);
    await wait(whatsapp, hour);
    expect(await codesOf(whatsapp, 2)).toEqual([undefined, 131_056]);
    await wait(whatsapp, 20 * hour);
    await whatsapp.write({});
    expect(await codesOf(whatsapp, 4)).toEqual([undefined, undefined, undefined, 131_056]);
  });

  test('is one by phone and by user id', async () => {
    const whatsapp = await openWhatsapp({ rules });
    await whatsapp.write({ userId: 'IN.1' });
    await codesOf(whatsapp, 3);
    expect(codeOf(await whatsapp.send({ ...hello, recipient: 'IN.1' }))).toBe(131_056);
  });

  test('takes 45 at once by default, and any number by rule', async () => {
    const whatsapp = await openWhatsapp({
      rules: { whatsapp: { throughputPerSecond: 0, pairIntervalMs: hour } },
    });
    await whatsapp.write({});
    expect((await codesOf(whatsapp, 46)).filter((code) => code === 131_056)).toHaveLength(1);
    await whatsapp.rules({ pairBurst: 0 });
    expect(await codesOf(whatsapp, 2)).toEqual([undefined, undefined]);
  });
});

describe('throughput', () => {
  test('is refused at once with 130429 within a second of the clock, and goes on after it', async () => {
    const whatsapp = await openWhatsapp({ rules: { whatsapp: { throughputPerSecond: 2, pairBurst: 0 } } });
    const codes = await Promise.all(
      Array.from({ length: 40 }, async () => codeOf(await whatsapp.sendTemplate('welcome'))),
    );
    expect(codes).toContain(130_429);
    await wait(whatsapp, 1_000);
    expect(await codesOf(whatsapp, 1, () => whatsapp.sendTemplate('welcome'))).toEqual([undefined]);
  });

  test('counts what customers write, or not', async () => {
    const limited = { throughputPerSecond: 1, pairBurst: 0 };
    const both = await openWhatsapp({ rules: { whatsapp: limited } });
    const sends = await openWhatsapp({ rules: { whatsapp: { ...limited, throughputCounts: 'sends' } } });
    const refusedAfterWriting = async (whatsapp: WhatsappFixture): Promise<boolean> => {
      // Not every try falls into the second of its message.
      for (let tries = 0; tries < 20; tries += 1) {
        await wait(whatsapp, 1_000);
        const [code] = (await Promise.all([whatsapp.write({}), codesOf(whatsapp, 1)]))[1];
        if (code === 130_429) return true;
      }
      return false;
    };
    expect(await refusedAfterWriting(both)).toBe(true);
    expect(await refusedAfterWriting(sends)).toBe(false);
  });
});

describe('people reached outside their window in 24 hours', () => {
  const reach = (whatsapp: WhatsappFixture, to: string) => whatsapp.sendTemplate('welcome', [], { to });

  test('are so many; those in their window, and those already reached, do not count', async () => {
    const whatsapp = await openWhatsapp({
      rules: { whatsapp: { portfolioLimit: 2, portfolioLimitTold: 'at once' } },
    });
    for (const to of ['1', '2', '1']) expect((await reach(whatsapp, to)).status).toBe(200);
    expect(codeOf(await reach(whatsapp, '3'))).toBe(131_048);
    await whatsapp.write({ from: '3' });
    expect((await reach(whatsapp, '3')).status).toBe(200);
    await wait(whatsapp, 24 * hour);
    expect((await reach(whatsapp, '4')).status).toBe(200);
    const limit = 'whatsapp_business_manager_messaging_limit';
    expect((await whatsapp.graph('GET', `/100000000000001?fields=${limit}`)).body).toMatchObject({
      [limit]: 'TIER_2',
    });
  });

  test('are told by status, and with another code, by rule', async () => {
    const whatsapp = await openWhatsapp({
      rules: { whatsapp: { portfolioLimit: 1, portfolioLimitCode: 130_429, autoStatuses: 'none' } },
    });
    await reach(whatsapp, '1');
    expect((await reach(whatsapp, '2')).status).toBe(200);
    expect(await whatsapp.statuses()).toMatchObject([{ status: 'failed', errors: [{ code: 130_429 }] }]);
  });

  test('are without end by default', async () => {
    const whatsapp = await openWhatsapp();
    for (let to = 1; to <= 5; to += 1) expect((await reach(whatsapp, String(to))).status).toBe(200);
    expect((await whatsapp.statuses()).map(({ status }) => status)).not.toContain('failed');
  });
});

describe("Graph's own limit", () => {
  const usageOf = (headers: Headers) =>
    (
      JSON.parse(headers.get('x-business-use-case-usage') ?? '{}') as Record<
        string,
        [{ call_count: number; estimated_time_to_regain_access: number }]
      >
    )['200000000000001']?.[0];

  test('is told in every answer', async () => {
    const whatsapp = await openWhatsapp();
    expect(usageOf((await whatsapp.graph('GET', templatesPath)).headers)).toMatchObject({
      type: 'whatsapp',
      call_count: 0,
    });
    expect(usageOf((await whatsapp.send({ text: {} })).headers)).toBeDefined();
  });

  test.each([80_007, 4] as const)(
    'is met with %i once the calls of an hour are used up',
    async (graphLimitCode) => {
      const whatsapp = await openWhatsapp({ rules: { whatsapp: { graphCallsPerHour: 4, graphLimitCode } } });
      const used: unknown[] = [];
      for (let calls = 0; calls < 4; calls += 1)
        used.push(usageOf((await whatsapp.graph('GET', templatesPath)).headers)?.call_count);
      expect(used).toEqual([25, 50, 75, 100]);
      const refused = await whatsapp.graph('GET', templatesPath);
      expect(codeOf(refused)).toBe(graphLimitCode);
      expect(usageOf(refused.headers)).toMatchObject({
        call_count: 100,
        estimated_time_to_regain_access: 60,
      });
      await wait(whatsapp, hour);
      expect((await whatsapp.graph('GET', templatesPath)).status).toBe(200);
    },
  );
});
