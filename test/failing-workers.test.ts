import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  createServiceFixture,
  type SandboxRecord,
  type ServiceProcess,
  signIn,
  text,
  type ServiceFixture,
  until,
  webhook,
} from './harness/index.ts';

/** Turns that fail the same way: few tries, few lines, an alert; and they go again by themselves. */

let fixture: ServiceFixture;
let service: ServiceProcess;
let owner: pg.Client;
beforeEach(async () => {
  fixture = await createServiceFixture();
  service = await fixture.startService();
  owner = new pg.Client({ connectionString: fixture.databaseUrl });
  await owner.connect();
});
afterEach(async () => {
  await owner.end();
  await fixture.close();
});

const phone = '919812345678';
const words = 'My secret is out';
const writes = (wamid: string): Promise<number> =>
  service.post(
    webhook(fixture.parties.whatsapp, [
      text({ phone, name: 'Asha Private' }, wamid, Date.now() - 60_000, words),
    ]),
  );

interface Alert {
  readonly kind: string;
  readonly subject: string;
  readonly message: string;
  readonly closedAt: string | null;
}

/** What breaks one step may break others too. */
async function alertOf(step: string): Promise<Alert> {
  const { api } = await signIn(service);
  return until('the alert', async () => {
    const { results } = (await api('GET', '/alerts')).body as { results: Alert[] };
    return results.find(({ kind, subject }) => kind === 'work failing' && subject === step);
  });
}

const isWritten = async (): Promise<boolean> => {
  const { results } = await fixture.control<{ results: SandboxRecord[] }>('GET', '/hubspot/records/contacts');
  return results.some(({ properties }) => properties['wa_phone_e164'] === `+${phone}`);
};

describe.each([
  {
    what: 'a table that is missing',
    step: 'apply',
    code: '42P01',
    breakIt: 'alter table identities rename to elsewhere',
    mendIt: 'alter table elsewhere rename to identities',
  },
  {
    what: 'a write PostgreSQL refuses',
    step: 'reconcile',
    code: '42501',
    breakIt: `
      create function refuse() returns trigger language plpgsql as
        $$ begin raise exception 'permission denied for %', new.subject using errcode = '42501', detail = new::text; end $$;
      create trigger refuse before update on dirty_records for each row execute function refuse()`,
    mendIt: 'drop trigger refuse on dirty_records',
  },
])('$what', ({ step, code, breakIt, mendIt }) => {
  test('is tried and told a few times, alerted, and over when it is mended', async () => {
    await owner.query(breakIt);
    expect(await writes('wamid.first')).toBe(200);
    const { message, ...raised } = await alertOf(step);
    expect(raised).toMatchObject({ subject: step, closedAt: null });
    expect(message).toContain(code);
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    expect(metrics).toMatch(new RegExp(`sangam_work_failing\\{step="${step}"\\} 1`));

    const lines = service
      .output()
      .split('\n')
      .filter((line) => line.includes(`"step":"${step}"`));
    expect(lines).toHaveLength(1);
    expect(lines[0]?.length).toBeLessThan(1500);
    expect(lines[0]).toContain(code);

    await owner.query(mendIt);
    expect(await writes('wamid.second')).toBe(200);
    await until('the contact in the CRM', isWritten);
  });
});
