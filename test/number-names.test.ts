import { listChannels, renameNumber } from '@sangam/core/store';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTown, type Town, until } from './harness/index.ts';

/** A business changes the number behind its phone number id at Meta. */

let town: Town;
beforeEach(async () => {
  town = await createTown();
});
afterEach(() => town.close());

const written = async (): Promise<string | undefined> => {
  const [channel] = await town.store.transact(town.parties.workspaceId, listChannels);
  return channel?.displayPhoneNumber;
};
const regionOf = async (): Promise<string | undefined> => {
  const row = await town.store.directory.selectFrom('directory_channels').select('region').executeTakeFirst();
  return row?.region;
};

test('is written anew after a start, its region too, and one that Meta does not show stays as it was', async () => {
  const { workspaceId, whatsapp } = town.parties;
  const before = { displayPhoneNumber: '+49 30 901820', region: 'DE' };
  await town.store.transact(workspaceId, (trx) => renameNumber(trx, whatsapp.channelId, before));
  await town.store.transact(workspaceId, (trx) =>
    trx
      .updateTable('channels')
      .set({ access_token: town.box.seal('EAA-of-somebody-else') })
      .where('workspace_id', '=', workspaceId)
      .execute(),
  );
  const refused = await town.startService();
  await until('the refusal to be told', () =>
    /"code":"token_refused".*not read at Meta/.test(refused.output()),
  );
  expect([await written(), await regionOf()]).toEqual(['+49 30 901820', 'DE']);
  await refused.stop('SIGTERM');

  await town.store.transact(workspaceId, (trx) =>
    trx
      .updateTable('channels')
      .set({ access_token: town.box.seal(whatsapp.accessToken) })
      .where('workspace_id', '=', workspaceId)
      .execute(),
  );
  await town.startService();
  await until('the number as Meta shows it', async () => (await written()) === whatsapp.displayPhoneNumber);
  expect(await regionOf()).toBe('IN');
});
