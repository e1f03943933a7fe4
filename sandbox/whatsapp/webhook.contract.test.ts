import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { startSandboxFixture, told, type SandboxFixture } from '../testing/sandbox-fixture.ts';

/** Meta's own payloads, sent through our customer: what arrives must be what Meta would have sent. */

const root = fileURLToPath(new URL('../..', import.meta.url));
const vendorData = path.resolve(root, process.env['VENDOR_DATA'] ?? '../shared/vendor');
const folder = path.join(vendorData, 'whatsapp/webhooks');
const files = (await readdir(folder).catch(() => [])).filter((name) => /^msg-.*\.json$/.test(name));
if (files.length === 0) console.log('webhook.contract.test.ts: no vendor data (VENDOR_DATA); skipped');

const loose = z.record(z.string(), z.unknown());
const payload = z.object({
  entry: z.array(
    z.object({
      changes: z.array(
        z.object({
          value: z.object({ contacts: z.array(loose).optional(), messages: z.array(loose).optional() }),
        }),
      ),
    }),
  ),
});
const sender = z.object({
  profile: z.object({ name: z.string(), username: z.string() }).partial().optional(),
  wa_id: z.string().optional(),
  user_id: z.string().optional(),
  parent_user_id: z.string().optional(),
});

/** Postman samples hold placeholders or leave the type out: nothing a phone would send. */
function isReal(message: Record<string, unknown>): boolean {
  const { type, from } = message as { type?: unknown; from?: unknown };
  return typeof type === 'string' && typeof from === 'string' && /^\d+$/.test(from);
}

const cases = await Promise.all(
  files.map(async (file) => {
    const { entry } = payload.parse(JSON.parse(await readFile(path.join(folder, file), 'utf8')));
    const values = entry.flatMap(({ changes }) => changes.map(({ value }) => value));
    return values.flatMap(({ contacts = [], messages = [] }) =>
      messages.filter(isReal).map((message, index) => ({ file, index, message, contacts })),
    );
  }),
);

describe.skipIf(files.length === 0)('messages of Meta', () => {
  let fixture: SandboxFixture;

  beforeAll(async () => {
    fixture = await startSandboxFixture();
  });

  afterAll(() => fixture.stop());

  test('are there', () => {
    expect(cases.flat().length).toBeGreaterThan(0);
  });

  test.each(cases.flat())('$file, message $index', async ({ message, contacts }) => {
    fixture.webhooks.length = 0;
    const known = sender.parse(contacts.length === 1 ? contacts[0] : {});
    const { timestamp, ...rest } = message;
    const stamp = /^\d+$/.test(String(timestamp)) ? { timestamp } : {};
    const reply = await fixture.call('POST', '/whatsapp/customer/messages', {
      ...rest,
      ...stamp,
      userId: known.user_id,
      parentUserId: known.parent_user_id,
      name: known.profile?.name,
      username: known.profile?.username,
    });
    expect(reply).toMatchObject({ status: 200, body: { wamid: message['id'] } });
    await vi.waitFor(() => expect(told(fixture.webhooks).messages).toHaveLength(1));
    const arrived = told(fixture.webhooks);
    expect(arrived.messages[0]).toMatchObject({ ...rest, ...stamp });
    if (message['type'] !== 'system' && known.wa_id === message['from']) {
      expect(arrived.contacts[0]).toMatchObject(known);
    }
  });
});
