import { setTimeout as wait } from 'node:timers/promises';
import { setChannelSending } from '@sangam/core/store';
import { sql } from 'kysely';
import { text, webhook } from '../harness/whatsapp.ts';
import type { BenchFixture } from './bench-fixture.ts';
import { type Prepared, sign } from './load.ts';
import type { BenchSandbox } from './sandbox.ts';

/** Messages that leave to people who agreed to marketing, by a template with every kind of value. */

/** Far above what the bench reaches: WhatsApp's limit is not what is measured. */
const throughput = 10_000;
const day = 24 * 60 * 60 * 1000;

/** People who write one word, a request for every hundred. */
export function wordsOf(
  { channel }: BenchSandbox,
  word: string,
  { first, count, perRequest = 100 }: { first: number; count: number; perRequest?: number },
): Prepared[] {
  const at = Date.now() - 1000;
  return Array.from({ length: Math.ceil(count / perRequest) }, (_, request) => {
    const changes = Array.from(
      { length: Math.min(perRequest, count - request * perRequest) },
      (_, offset) => {
        const index = first + request * perRequest + offset;
        const person = { phone: `9193${String(10_000_000 + index)}`, name: `Person ${String(index)}` };
        return text(person, `wamid.${word}.${String(index)}`, at, word);
      },
    );
    return sign(Buffer.from(JSON.stringify(webhook(channel, changes))), channel.appSecret);
  });
}

const offer = {
  type: 'template',
  template: {
    name: 'festival_offer',
    language: 'en',
    header: { text: 'Diwali' },
    body: [{ field: 'first name', fallback: 'there' }, '10 %'],
    buttons: [{ index: 0, code: 'DIWALI10' }],
  },
};

/** Has one message asked for to each of so many people, in one statement, and nobody told that they are due. */
export async function askInBulk(
  fixture: BenchFixture,
  { channel: { workspaceId, channelId } }: BenchSandbox,
  count: number,
): Promise<void> {
  const now = Date.now();
  await fixture.store.transact(workspaceId, async (trx) => {
    await setChannelSending(trx, channelId, { mode: 'live', testPhones: [], throughput });
    await sql`
      insert into sends (workspace_id, send_id, client_id, request_hash, channel_id, contact_id, sender_kind, sender, category,
                         template_name, template_language, content, state, priority, asked_at, expires_at, due_at, changed_at)
      select ${workspaceId}::uuid, gen_random_uuid(), contact_id::text || ${String(now)}, '\\x00', ${channelId}::uuid, contact_id,
             'rule', 'bench', 'marketing', 'festival_offer', 'en', ${Buffer.from(JSON.stringify(offer))}, 'queued', 2, ${now},
             ${now + day}, ${now}, ${now}
      from contacts where workspace_id = ${workspaceId} order by contact_id limit ${count}`.execute(trx);
    trx.due.add('sends', channelId, now);
  });
}

/** How many sends are in each state. */
async function sendStates(
  fixture: BenchFixture,
  { channel: { workspaceId } }: BenchSandbox,
): Promise<ReadonlyMap<string, number>> {
  return fixture.store.transact(workspaceId, async (trx) => {
    const { rows } = await sql<{ state: string; count: number }>`
      select state, count(*)::int as count from sends where workspace_id = ${workspaceId} group by state`.execute(
      trx,
    );
    return new Map(rows.map(({ state, count }) => [state, count]));
  });
}

/** Waits until all of them have left; throws where one has not, after so long. */
export async function allLeft(
  fixture: BenchFixture,
  sandbox: BenchSandbox,
  count: number,
  withinMs: number,
): Promise<void> {
  const end = performance.now() + withinMs;
  for (;;) {
    const states = await sendStates(fixture, sandbox);
    if (states.get('accepted') === count) return;
    if (performance.now() > end) throw new Error(`Not all left: ${JSON.stringify([...states])}`);
    await wait(20);
  }
}

/** When the sandbox saw a message come to this phone, on the machine's monotonic clock. */
export async function cameAt({ url }: BenchSandbox, phone: string): Promise<number> {
  for (;;) {
    const response = await fetch(`${url}/whatsapp/requests`);
    const { results } = (await response.json()) as {
      results: { to?: string; monotonicMs: number }[];
    };
    const seen = results.find(({ to }) => to?.replace('+', '') === phone);
    if (seen !== undefined) return seen.monotonicMs;
    await wait(2);
  }
}
