import { randomBytes } from 'node:crypto';
import { SangamError } from '@sangam/core/errors';
import {
  connectChannel,
  dayMs,
  listChannels,
  releaseChannel,
  renameNumber,
  type WorkspaceTransaction,
} from '@sangam/core/store';
import { Dispatcher, QueueWorker } from '@sangam/core/work';
import { createNumberNames, createSecretBox } from '@sangam/service';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { createEngineFixture, createServiceFixture, engineNow, until } from './harness/index.ts';

/** A business changes the number behind its phone number id at Meta. */

test('is written anew after a start, its region too, and one that Meta does not show stays as it was', async () => {
  const fixture = await createServiceFixture();
  onTestFinished(() => fixture.close());
  const { workspaceId, whatsapp } = fixture.parties;
  const written = async (): Promise<string | undefined> => {
    const [channel] = await fixture.store.transact(workspaceId, listChannels);
    return channel?.displayPhoneNumber;
  };
  const regionOf = async (): Promise<string | undefined> => {
    const row = await fixture.store.directory
      .selectFrom('directory_channels')
      .select('region')
      .executeTakeFirst();
    return row?.region;
  };
  const before = { displayPhoneNumber: '+49 30 901820', region: 'DE' };
  await fixture.store.transact(workspaceId, (trx) => renameNumber(trx, whatsapp.channelId, before));
  await fixture.store.transact(workspaceId, (trx) =>
    trx
      .updateTable('channels')
      .set({ access_token: fixture.box.seal('EAA-of-somebody-else') })
      .where('workspace_id', '=', workspaceId)
      .execute(),
  );
  const refused = await fixture.startService();
  await until('the refusal to be told', () =>
    /"code":"token_refused".*not read at Meta/.test(refused.output()),
  );
  expect([await written(), await regionOf()]).toEqual(['+49 30 901820', 'DE']);
  await refused.stop('SIGTERM');

  await fixture.store.transact(workspaceId, (trx) =>
    trx
      .updateTable('channels')
      .set({ access_token: fixture.box.seal(whatsapp.accessToken) })
      .where('workspace_id', '=', workspaceId)
      .execute(),
  );
  await fixture.startService();
  await until('the number as Meta shows it', async () => (await written()) === whatsapp.displayPhoneNumber);
  expect(await regionOf()).toBe('IN');
});

/** A workspace with a number that Meta showed it; `asked`: the tokens Meta was asked with. */
async function createNamed(displayPhoneNumber: () => string) {
  const engine = await createEngineFixture();
  onTestFinished(() => engine.close());
  const { store, workspaceId } = engine;
  const box = createSecretBox([randomBytes(32)]);
  const asked: string[] = [];
  const clock = { at: engineNow, now: () => clock.at };
  const inside = <Result>(work: (trx: WorkspaceTransaction) => Promise<Result>): Promise<Result> =>
    store.transact(workspaceId, work);
  const channelId = await inside((trx) =>
    connectChannel(
      trx,
      {
        app: 'own',
        phoneNumberId: '77',
        wabaId: '88',
        portfolio: '99',
        displayPhoneNumber: '+49 30 901820',
        region: 'DE',
        appSecret: null,
        verifyToken: null,
        accessToken: box.seal('EAA'),
      },
      engineNow,
    ),
  );
  const readAll = createNumberNames({
    store,
    box,
    clock,
    readOwnNumber: async (_, { accessToken, ...number }) => {
      asked.push(accessToken);
      return Promise.resolve({ ...number, displayPhoneNumber: displayPhoneNumber() });
    },
    logger: pino({ level: 'silent' }),
  });
  const shown = async (): Promise<string | undefined> =>
    (await inside(listChannels)).find((channel) => channel.channelId === channelId)?.displayPhoneNumber;
  await inside((trx) => Promise.resolve(trx.due.add('numbers', workspaceId)));
  const worker = new QueueWorker(new Dispatcher(store, clock), {
    queue: 'numbers',
    tick: async (target) => ({ notBefore: await readAll(target.workspaceId) }),
    failed: () => undefined,
  });
  return { engine, clock, asked, inside, channelId, shown, read: () => worker.drain() };
}

test('is asked for once a day, and in between not even the database is', async () => {
  const { engine, clock, asked, shown, read } = await createNamed(() => '+91 98111 22333');
  await read();
  expect([asked, await shown()]).toEqual([['EAA'], '+91 98111 22333']);
  clock.at += dayMs + 1;
  await read();
  expect(asked).toHaveLength(2);
  clock.at += dayMs - 1;
  await engine.asDatabaseOwner('alter table directory_channels rename to directory_away');
  await read();
  clock.at += 2;
  await expect(read()).rejects.toThrow();
});

test('is asked for again an hour after Meta did not show it', async () => {
  const { clock, asked, read } = await createNamed(() => {
    throw new SangamError({ code: 'unavailable', origin: 'whatsapp', retry: 'later', message: 'Away.' });
  });
  await read();
  clock.at += dayMs / 24 - 1;
  await read();
  expect(asked).toHaveLength(1);
  clock.at += 2;
  await read();
  expect(asked).toHaveLength(2);
});

test('let go meanwhile stays as it was', async () => {
  const { inside, channelId, shown } = await createNamed(() => '');
  await inside((trx) => releaseChannel(trx, channelId, engineNow));
  await inside((trx) =>
    renameNumber(trx, channelId, { displayPhoneNumber: '+91 98111 22333', region: 'IN' }),
  );
  expect(await shown()).toBe('+49 30 901820');
});
