import { createHmac } from 'node:crypto';
import type { Statement } from '@sangam/core/corrections';
import { ensureMember } from '@sangam/core/store';
import type { Service } from '@sangam/service';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Api,
  apiOf,
  createServiceFixture,
  history,
  monotonicNow,
  SendLaw,
  type ServiceFixture,
  text,
  until,
  webhook,
} from './harness/index.ts';

/**
 * Promises 3, 4, 9 and 10, of sends: whatever people, members and WhatsApp do, in whatever order, read off the phones.
 * `SEND_LAW_RUNS=500` plays it for longer.
 */

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const runs = Number(process.env['SEND_LAW_RUNS'] ?? 12);

let fixture: ServiceFixture;
let service: Service;
let api: Api;
let channelId: string;

beforeAll(async () => {
  fixture = await createServiceFixture();
  service = await fixture.openService();
  const { store, parties, clock } = fixture;
  ({ channelId } = parties.whatsapp);
  const memberId = await store.transact(parties.workspaceId, (trx) =>
    ensureMember(trx, { email: 'asha@example.com', role: 'admin', now: clock.now() }),
  );
  const link = await service.sessions.makeLink(parties.workspaceId, memberId);
  api = apiOf(service.url(), (await service.sessions.enter(link)) ?? '');
  await api('POST', '/templates/sync', { channelId });
});
afterAll(() => fixture.close());

const who = fc.nat({ max: 2 });
const cases = fc.constantFrom(
  { when: 'never' },
  { code: 131_049 },
  { code: 131_049, when: 'by status' },
  { code: 131_056 },
  { code: 131_026, when: 'by status' },
  { code: 131_050 },
  { code: 131_000, when: 'by status' },
  { code: 2, status: 503 },
  { code: 132_001 },
  { dropConnection: 'before' },
  // What tempts to a second try is played most.
  { dropConnection: 'after' },
  { dropConnection: 'after', when: 'never' },
  { dropConnection: 'after', when: 'never' },
  { garbage: 'html', status: 502 },
  { latencyMs: 300 },
  { held: true },
);
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('says'),
      who,
      words: fc.constantFrom('START', 'STOP', 'Hello', 'STOP ALL'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('prefers'), who, value: fc.constantFrom('stop', 'resume') }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('imports'), who, words: fc.constantFrom('START', 'STOP') }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'redelivers' } as const) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('moves'), who }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('sends'),
      who,
      what: fc.constantFrom('marketing', 'utility', 'text'),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('case'), who, how: cases }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('category'),
      category: fc.constantFrom('MARKETING', 'UTILITY'),
    }),
  },
  { weight: 1, arbitrary: fc.constantFrom({ kind: 'pauses' } as const, { kind: 'resumes' } as const) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('passes'),
      ms: fc.constantFrom(second, minute, 20 * minute, 25 * hour),
    }),
  },
  { weight: 3, arbitrary: fc.constant({ kind: 'settles' } as const) },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

const contents = {
  text: { type: 'text', text: 'How can we help?' },
  utility: { type: 'template', template: { name: 'welcome', language: 'en' } },
  marketing: {
    type: 'template',
    template: {
      name: 'festival_offer',
      language: 'en',
      header: { text: 'Diwali' },
      body: ['Ravi', '10 %'],
      buttons: [{ index: 0, code: 'DIWALI10' }],
    },
  },
} as const;

let people = 0;
let said = 0;
let asked = 0;
const newPhone = (): string => `9194${String(10_000_000 + ++people)}`;

interface Someone {
  phone: string;
  contactId: string;
}

/** One order of things, and what was seen of it from outside. */
class Play {
  readonly law = new SendLaw();
  readonly people: Someone[] = [];
  readonly bodies: object[] = [];
  readonly sendIds: string[] = [];
  readonly startedAt = fixture.clock.now();
  isPaused = false;

  async meet(): Promise<void> {
    for (const _ of [0, 1, 2]) {
      const phone = newPhone();
      const someone = { phone, contactId: '' };
      this.people.push(someone);
      this.law.add(phone);
      await this.says(someone, 'Hello');
      someone.contactId = await until('they to be a contact', async () => {
        const { body } = await api('GET', `/contacts?phone=%2B${phone}`);
        return (body as { results: { contactId: string }[] }).results[0]?.contactId;
      });
    }
  }

  /** As WhatsApp posts it: until it is acknowledged. */
  async post(body: object): Promise<void> {
    const { whatsapp } = fixture.parties;
    const bytes = Buffer.from(JSON.stringify(body));
    const signature = createHmac('sha256', whatsapp.appSecret).update(bytes).digest('hex');
    const response = await fetch(`${service.url()}/webhooks/whatsapp/${channelId}`, {
      method: 'POST',
      body: bytes,
      headers: { 'x-hub-signature-256': `sha256=${signature}` },
    });
    expect(response.status).toBe(200);
    this.bodies.push(body);
  }

  /** The sandbox's phone writes it, and it is delivered twice: once here, so that it is known when it was acknowledged. */
  async says({ phone }: Someone, words: string): Promise<void> {
    fixture.clock.advance(2 * second);
    const seconds = Math.floor(fixture.clock.now() / second);
    const wamid = `wamid.law.${String(++said)}`;
    const told = this.law.says(phone, words, seconds);
    await fixture.control('POST', '/whatsapp/customer/messages', {
      from: phone,
      name: 'Ravi',
      type: 'text',
      text: words,
      id: wamid,
      timestamp: String(seconds),
    });
    await this.post(
      webhook(fixture.parties.whatsapp, [text({ phone, name: 'Ravi' }, wamid, seconds * second, words)]),
    );
    told.acknowledged();
  }

  async does(one: Step): Promise<void> {
    const someone = 'who' in one ? this.people[one.who] : undefined;
    switch (one.kind) {
      case 'says':
        if (someone !== undefined) await this.says(someone, one.words);
        return;
      case 'prefers':
        if (someone !== undefined) await this.prefers(someone, one.value);
        return;
      case 'imports':
        if (someone !== undefined) await this.imports(someone, one.words);
        return;
      case 'redelivers':
        for (const body of this.bodies.slice(-6).toReversed()) await this.post(body);
        return;
      case 'moves':
        if (someone !== undefined) await this.moves(someone);
        return;
      case 'sends':
        if (someone !== undefined) await this.sends(someone, one.what);
        return;
      case 'case':
        await fixture.control('PUT', '/whatsapp/cases', {
          phone: `+${someone?.phone ?? ''}`,
          times: 1,
          ...one.how,
        });
        return;
      case 'category':
        await this.categorises(one.category);
        return;
      case 'pauses':
        await api('POST', '/pauses', { scope: 'channel', subject: channelId });
        if (!this.isPaused) this.law.paused();
        this.isPaused = true;
        return;
      case 'resumes':
        await this.resumes();
        return;
      case 'passes':
        fixture.clock.advance(one.ms);
        return;
      case 'settles':
        await this.settles();
        return;
    }
  }

  async prefers({ phone }: Someone, value: 'stop' | 'resume'): Promise<void> {
    fixture.clock.advance(2 * second);
    const told = this.law.says(
      phone,
      value === 'stop' ? 'STOP' : 'START',
      Math.floor(fixture.clock.now() / second),
    );
    await fixture.control('POST', '/whatsapp/customer/preferences', { from: phone, value });
    await this.isApplied(phone);
    told.acknowledged();
  }

  async imports({ phone }: Someone, words: string): Promise<void> {
    const at = fixture.clock.now() - 40 * day;
    const told = this.law.says(phone, words, Math.floor(at / second));
    await this.post(
      webhook(fixture.parties.whatsapp, [history(phone, `wamid.law.${String(++said)}`, at, words, 'in')]),
    );
    told.acknowledged();
  }

  async moves(someone: Someone): Promise<void> {
    const to = newPhone();
    fixture.clock.advance(2 * second);
    await fixture.control('POST', '/whatsapp/customer/number-change', { from: someone.phone, to });
    this.law.moves(someone.phone, to);
    someone.phone = to;
    // They write from it, as whoever moved does.
    await this.says(someone, 'My new number');
  }

  async sends({ contactId }: Someone, what: keyof typeof contents): Promise<void> {
    const askedAt = monotonicNow();
    const { status, body } = await api('POST', '/sends', {
      clientId: `law-${String(++asked)}`,
      to: { contactId },
      content: contents[what],
    });
    if (status === 201) {
      const { sendId } = body as { sendId: string };
      this.sendIds.push(sendId);
      this.law.asked(sendId, askedAt);
    } else expect(status, JSON.stringify(body)).toBe(409);
  }

  async categorises(category: string): Promise<void> {
    if (category === 'UTILITY') this.law.categorised('welcome', false);
    await fixture.control('PUT', '/whatsapp/templates/welcome/en', { category });
    await until('the category to be known', async () => {
      const { results } = (await api('GET', '/templates')).body as {
        results: { name: string; language: string; category: string }[];
      };
      return results.some(
        (one) => one.name === 'welcome' && one.language === 'en' && one.category === category.toLowerCase(),
      );
    });
    if (category === 'MARKETING') this.law.categorised('welcome', true);
  }

  async resumes(): Promise<void> {
    if (this.isPaused) this.law.resumed();
    this.isPaused = false;
    await api('POST', '/pauses/resume', { scope: 'channel', subject: channelId });
  }

  /** What the phone said is in its conversation. */
  async isApplied(phone: string): Promise<void> {
    await until('the inbox to be empty', async () => {
      const { rows } = await fixture.store.transact(fixture.parties.workspaceId, async (trx) => ({
        rows: await trx
          .selectFrom('inbox')
          .select('event_key')
          .where('workspace_id', '=', fixture.parties.workspaceId)
          .limit(1)
          .execute(),
      }));
      const { queued: pending } = await fixture.control<{ queued: number }>('GET', '/whatsapp/delivery');
      return rows.length === 0 && pending === 0 && phone !== '';
    });
  }

  /** Whatever may leave now has left. */
  async settles(): Promise<void> {
    if (this.isPaused) return;
    await until('what may leave to have left', async () => {
      const now = fixture.clock.now();
      const sends = await this.states();
      return sends.every(
        ({ state, notBefore }) =>
          (state !== 'queued' && state !== 'claimed' && state !== 'dispatched') ||
          (notBefore !== null && Date.parse(notBefore) > now),
      );
    });
  }

  async states(): Promise<SendView[]> {
    return Promise.all(
      this.sendIds.map(async (sendId) => (await api('GET', `/sends/${sendId}`)).body as SendView),
    );
  }

  /** Everything comes to an end once time passes, and by the phones nothing happened that may not. */
  async ends(): Promise<void> {
    await this.resumes();
    await fixture.control('DELETE', '/whatsapp/cases');
    await this.categorises('UTILITY');
    await fixture.control('POST', '/whatsapp/held', { outcome: 'released' });
    const ended = await until('everything to end', async () => {
      const sends = await this.states();
      if (sends.every(({ state }) => final.has(state))) return sends;
      fixture.clock.advance(6 * hour);
      return undefined;
    });
    const { results: requests } = await fixture.control<{ results: Parameters<SendLaw['problems']>[0] }>(
      'GET',
      '/whatsapp/requests',
    );
    const received = (
      await Promise.all(
        this.law.phones().map(async (phone) => {
          const { results } = await fixture.control<{
            results: { wamid: string; direction: string; status: string }[];
          }>('GET', `/whatsapp/customer/messages?phone=%2B${phone}`);
          return results;
        }),
      )
    ).flat();
    const problems = this.law.problems(requests, ended, received);
    for (let at = this.startedAt; at < fixture.clock.now() + day; at += day) {
      const { body } = await api(
        'GET',
        `/statement?day=${new Date(at).toISOString().slice(0, 10)}&timeZone=UTC`,
      );
      const { sends } = body as Statement;
      if (sends.missing !== 0) problems.push(`the statement misses ${String(sends.missing)} sends`);
    }
    expect(problems).toEqual([]);
    await fixture.control('DELETE', '/whatsapp/requests');
  }
}

interface SendView {
  readonly sendId: string;
  readonly state: string;
  readonly notBefore: string | null;
  readonly attempts: readonly { readonly attemptId: string; readonly outcome: string | null }[];
}

const final: ReadonlySet<string> = new Set([
  'sent',
  'delivered',
  'read',
  'failed',
  'refused',
  'unknown',
  'unconfirmed',
]);

test('no marketing after a STOP, none without consent, nothing twice, nothing while paused, nothing stuck', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
      const play = new Play();
      await play.meet();
      for (const one of steps) await play.does(one);
      await play.ends();
    }),
    { numRuns: runs, endOnFailure: true },
  );
});
