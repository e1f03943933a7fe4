import { setTimeout as wait } from 'node:timers/promises';
import { ensureMember } from '@sangam/core/store';
import { expect, onTestFinished, test } from 'vitest';
import {
  type Api,
  apiOf,
  createServiceFixture,
  deliver,
  inParallel,
  isEmpty,
  monotonicNow,
  SendLaw,
  type ServiceFixture,
  type ServiceProcess,
  signIn,
  status,
  text,
  until,
  webhook,
} from './harness/index.ts';

/** Promises 2, 3 and 9 of sends while the processes that send them die and freeze. */

const people = Array.from({ length: 60 }, (_, index) => `9196${String(10_000_000 + index)}`);
const hour = 3_600_000;

const offer = {
  type: 'template',
  template: {
    name: 'festival_offer',
    language: 'en',
    header: { text: 'Diwali' },
    body: ['Ravi', '10 %'],
    buttons: [{ index: 0, code: 'DIWALI10' }],
  },
};
const contents = [
  offer,
  { type: 'template', template: { name: 'welcome', language: 'en' } },
  { type: 'text', text: 'Hello' },
];

/** Two processes, and everybody agreed to marketing and has just written. */
async function begin(): Promise<{
  readonly fixture: ServiceFixture;
  readonly law: SendLaw;
  services: ServiceProcess[];
  readonly session: string;
}> {
  const fixture = await createServiceFixture();
  onTestFinished(() => fixture.close());
  const services = [await fixture.startService(), await fixture.startService()];
  const law = new SendLaw();
  const [first] = services;
  if (first === undefined) throw new Error('There is no service.');
  const { api, session } = await signIn(first);
  const seconds = Math.floor(Date.now() / 1000) - 60;
  await inParallel(people, 8, async (phone) => {
    law.add(phone);
    const told = law.says(phone, 'START', seconds);
    await fixture.control('POST', '/whatsapp/customer/messages', {
      from: phone,
      text: 'START',
      timestamp: String(seconds),
    });
    told.acknowledged();
  });
  await until('everybody to be known', async () => {
    const { queued } = await fixture.control<{ queued: number }>('GET', '/whatsapp/delivery');
    return queued === 0 && isEmpty(fixture.store, fixture.parties.workspaceId, 'inbox');
  });
  await api('POST', '/templates/sync', { channelId: fixture.parties.whatsapp.channelId });
  return { fixture, law, services, session };
}

/** Asks for each until it is answered, by whichever process answers. */
async function askAll(
  count: number,
  services: () => readonly ServiceProcess[],
  session: string,
  law: SendLaw,
): Promise<string[]> {
  const sendIds: string[] = [];
  await inParallel(
    Array.from({ length: count }, (_, index) => index),
    6,
    async (index) => {
      const body = {
        clientId: `chaos-${String(index)}`,
        to: { phone: `+${people[index % people.length] ?? ''}` },
        content: contents[index % contents.length],
      };
      const askedAt = monotonicNow();
      for (let attempt = 0; ; attempt += 1) {
        const alive = services();
        const service = alive[attempt % alive.length];
        const answer = await apiOf(service?.url ?? '', session)('POST', '/sends', body).catch(
          () => undefined,
        );
        if (answer?.status === 409) return;
        if (answer !== undefined && answer.status < 300) {
          const { sendId } = answer.body as { sendId: string };
          sendIds.push(sendId);
          law.asked(sendId, askedAt);
          return;
        }
        await wait(25);
      }
    },
  );
  return sendIds;
}

/** Says STOP for each, and when that was acknowledged. */
async function stop(
  fixture: ServiceFixture,
  phones: readonly string[],
  services: () => readonly ServiceProcess[],
  law: SendLaw,
): Promise<void> {
  await inParallel(phones, 4, async (phone) => {
    const seconds = Math.floor(Date.now() / 1000);
    const told = law.says(phone, 'STOP', seconds);
    const stopped = text({ phone }, `wamid.stop.${phone}`, seconds * 1000, 'STOP');
    await deliver(services, webhook(fixture.parties.whatsapp, [stopped]));
    told.acknowledged();
  });
}

interface SendView {
  readonly sendId: string;
  readonly state: string;
  readonly attempts: readonly { readonly attemptId: string; readonly outcome: string | null }[];
}

async function anyIn(api: Api, states: readonly string[]): Promise<boolean> {
  const found = await Promise.all(
    states.map(async (state) => {
      const { status: code, body } = await api('GET', `/sends?state=${state}&limit=1`);
      expect(code, JSON.stringify(body)).toBe(200);
      return (body as { results: object[] }).results.length > 0;
    }),
  );
  return found.includes(true);
}

/** The processes are gone; one whose clock moves brings everything to its end, and the phones show what left. */
async function expectLawful(
  { fixture, law }: { fixture: ServiceFixture; law: SendLaw },
  services: readonly ServiceProcess[],
  sendIds: readonly string[],
): Promise<void> {
  await Promise.all(services.map((service) => service.stop('SIGKILL')));
  const service = await fixture.openService();
  const { workspaceId } = fixture.parties;
  const memberId = await fixture.store.transact(workspaceId, (trx) =>
    ensureMember(trx, { email: 'asha@example.com', role: 'admin', now: Date.now() }),
  );
  const link = await service.sessions.makeLink(workspaceId, memberId);
  const api = apiOf(service.url(), (await service.sessions.enter(link)) ?? '');
  await until('everything to end', async () => {
    if (!(await anyIn(api, ['held', 'queued', 'claimed', 'dispatched', 'accepted', 'sent']))) return true;
    fixture.clock.advance(4 * hour);
    return false;
  });
  const ended: SendView[] = [];
  await inParallel(sendIds, 8, async (sendId) => {
    ended.push((await api('GET', `/sends/${sendId}`)).body as SendView);
  });
  const { results } = await fixture.control<{ results: Parameters<SendLaw['problems']>[0] }>(
    'GET',
    '/whatsapp/requests',
  );
  const received = (
    await Promise.all(
      people.map(async (phone) => {
        const { results: seen } = await fixture.control<{ results: Parameters<SendLaw['problems']>[2] }>(
          'GET',
          `/whatsapp/customer/messages?phone=%2B${phone}`,
        );
        return seen;
      }),
    )
  ).flat();
  expect(law.problems(results, ended, received)).toEqual([]);
  // What is said to have arrived did, and what may have left says so.
  const onPhone = new Set(results.filter(({ wamid }) => wamid !== undefined).map(({ opaque }) => opaque));
  for (const { sendId, state, attempts } of ended) {
    const left = attempts.some(({ attemptId }) => onPhone.has(attemptId));
    if (state === 'delivered' || state === 'read') expect(left, sendId).toBe(true);
    else if (left) expect(['unknown', 'unconfirmed', 'failed', 'delivered'], sendId).toContain(state);
  }
}

/** Statuses of messages nobody knows, so that what is applied lags behind what is received. */
async function pileUp(fixture: ServiceFixture, services: () => readonly ServiceProcess[]): Promise<void> {
  const bodies = Array.from({ length: 10 }, (_, request) =>
    webhook(
      fixture.parties.whatsapp,
      Array.from({ length: 500 }, (_, index) =>
        status(
          { phone: people[0] ?? '' },
          `out.${String(request)}.${String(index)}`,
          Date.now() - 60_000,
          'read',
        ),
      ),
    ),
  );
  await inParallel(bodies, 3, (body) => deliver(services, body));
}

const sent = async (fixture: ServiceFixture): Promise<number> =>
  (await fixture.control<{ results: object[] }>('GET', '/whatsapp/requests')).results.length;

test('kill -9 at random moments: nothing arrives twice, and no marketing after a STOP', async () => {
  const scene = await begin();
  const { fixture, law, session } = scene;
  let { services } = scene;
  const now = (): readonly ServiceProcess[] => services;
  const stopping = { done: false };
  const killer = async (): Promise<void> => {
    for (let kills = 0; kills < 4 && !stopping.done; kills += 1) {
      await wait(300 + Math.random() * 700);
      const victim = services[kills % 2];
      await victim?.stop('SIGKILL');
      const fresh = await fixture.startService();
      services = services.map((service) => (service === victim ? fresh : service));
    }
  };
  const [sendIds] = await Promise.all([
    askAll(300, now, session, law),
    pileUp(fixture, now),
    stop(fixture, people.slice(0, 25), now, law),
    killer(),
  ]);
  stopping.done = true;
  expect(sendIds.length).toBeGreaterThan(150);
  await expectLawful(scene, services, sendIds);
});

test('one frozen for 90 s while it sends: what it held leaves once or not at all, and nothing after a STOP', async () => {
  const scene = await begin();
  const { fixture, law, services, session } = scene;
  const [frozen, other] = services;
  if (frozen === undefined || other === undefined) throw new Error('There are not two.');
  // Answers take their time, so that it holds what it claimed and what it called.
  await fixture.control('PUT', '/whatsapp/cases', { latencyMs: 400 });
  const asking = askAll(300, () => [other], session, law);
  await until('calls to be under way', async () => (await sent(fixture)) > 10);
  frozen.child.kill('SIGSTOP');
  const frozenAt = performance.now();
  await pileUp(fixture, () => [other]);
  await stop(fixture, people.slice(0, 25), () => [other], law);
  const sendIds = await asking;
  await wait(Math.max(0, 90_000 - (performance.now() - frozenAt)));
  frozen.child.kill('SIGCONT');
  await until(
    'calls to be over',
    async () => !(await anyIn(apiOf(other.url, session), ['claimed', 'dispatched'])),
  );
  await expectLawful(scene, services, sendIds);
});
