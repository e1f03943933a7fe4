import { sql } from 'kysely';
import { contactFields } from '@sangam/core/pipeline';
import { timelineLines } from '@sangam/core/timeline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEngineFixture, type EngineFixture, engineNow, vendorData } from './harness/index.ts';

/** Cases collected from public reports, each with its right answer; read where they lie beside the vendor data. */
const cases = vendorData('../cases/whatsapp');

interface Came {
  readonly contacts: readonly object[];
  /** What the timeline says, who wrote it before it. */
  readonly lines: readonly string[];
  readonly suppressed: readonly string[];
}

const right: Readonly<Record<string, Partial<Record<keyof Came, unknown>>>> = {
  '01-number-change-from-is-already-the-new-number': {
    contacts: [{ phones: ['+919812340002'], firstMessage: 'before' }],
    lines: ['in before', 'in after'],
  },
  '02-number-change-new-phone-hidden': {
    contacts: [{ bsuid: 'IN.1000000002', firstMessage: 'before' }],
    lines: ['in before', 'in after'],
  },
  '04-history-media-placeholder-and-its-media': {
    contacts: [{ firstName: 'Asha' }],
    lines: ['in [image] Black Prince echeveria', 'in live'],
  },
  '05-history-media-of-a-message-the-business-sent': {
    contacts: [{ phone: '+919812340001' }],
    lines: ['out [image] brochure', 'in live'],
  },
  '06-contact-whose-wa_id-is-written-otherwise-than-from': {
    contacts: [
      { firstName: 'Bruno', lastName: 'Lima', bsuid: 'BR.1000000003', phone: '+5511987654321' },
      { firstName: 'Plus', phone: '+919812340001' },
    ],
  },
  '08-ad-message-and-another-in-the-same-second': {
    contacts: [{ leadSource: 'WhatsApp CTWA', firstMessage: 'Hi, from your ad' }],
  },
  '09-stop-then-a-menu-button-called-start': { contacts: [{ optOut: true }] },
  '10-what-the-rep-cannot-see': {
    lines: [
      'in [order] 2 x SKU-RED-42 at INR 499',
      'in [location] Gateway, Apollo Bandar, Mumbai (19.07, 72.87)',
      'in [contact] Ravi Plumber +91 98200 11111',
      'in [may be called until 22 November 2026 at 19:00]',
      'in [unavailable here: see it in the WhatsApp app]',
      'in [answered a form] {invalid-json',
    ],
  },
  '13-number-shared-on-request-in-national-form': {
    contacts: [{ phones: [], bsuid: 'IN.1000000001' }],
    lines: ['in [shared their number] 09812340009'],
  },
  '15-stop-without-a-message-id': { contacts: [], suppressed: ['+919812340001'] },
};

let engine: EngineFixture;
beforeAll(async () => {
  engine = await createEngineFixture();
});
afterAll(() => engine.close());

/** A post of a case as one to the engine's channel, ten days earlier, when its clock stands still. */
function asOurs(post: unknown): unknown {
  const written = JSON.stringify(post)
    .replaceAll('"100000000000001"', JSON.stringify(engine.phoneNumberId))
    .replaceAll('"200000000000001"', JSON.stringify(engine.wabaId))
    .replaceAll(/\b179[56]\d{6}\b/g, (time) => String(Number(time) - 10 * 86_400));
  return JSON.parse(written);
}

async function whatCame(): Promise<Came> {
  return engine.store.transact(engine.workspaceId, async (trx) => {
    const { workspaceId } = engine;
    const { rows: ids } = await sql<{ id: string }>`
      select contact_id as id from contacts where workspace_id = ${workspaceId} and merged_into is null`.execute(
      trx,
    );
    const fields = await contactFields(
      trx,
      ids.map(({ id }) => id),
      engineNow,
    );
    const { rows: messages } = await sql<{
      wamid: string;
      origin: 'customer' | 'history';
      direction: 'in' | 'out';
      at: number;
      content: Buffer | null;
    }>`select wamid, origin, direction, at, content from messages
       where workspace_id = ${workspaceId} and contact_id is not null`.execute(trx);
    const shown = messages.map((row) => ({
      ...row,
      content: row.content ?? undefined,
      times: {},
      errorCode: undefined,
    }));
    const { rows: suppressed } = await sql<{ value: string }>`
      select value from suppression where workspace_id = ${workspaceId}`.execute(trx);
    return {
      contacts: fields.toSorted((x, y) => (x.firstName < y.firstName ? -1 : 1)),
      lines: timelineLines(shown, shown, { customer: 'in', text: 'full', timeZone: 'UTC' }).map(
        ({ direction, text }) => `${direction} ${text}`,
      ),
      suppressed: suppressed.map(({ value }) => value),
    };
  });
}

describe.runIf(cases !== undefined)('every case', () => {
  test.each([...(cases ?? [])])('%s', async (name, given) => {
    const answer = right[name.replace('.json', '')];
    if (answer === undefined) throw new Error('Nobody wrote down what is right here.');
    const { posts } = given as { posts: readonly unknown[] };
    for (const order of [posts, posts.toReversed()]) {
      await engine.forgetEverything();
      for (const post of order) {
        await engine.receive(asOurs(post));
        await engine.applyAll();
      }
      expect(await whatCame()).toMatchObject(answer);
    }
  });
});
