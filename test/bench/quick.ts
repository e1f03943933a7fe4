import { post } from './load.ts';
import { requestsOf } from './traffic.ts';
import { createWorld } from './world.ts';
const world = await createWorld();
const channel = await world.addChannel();
const service = await world.startService('receive');
const url = `${service.url}/webhooks/whatsapp/${channel.channelId}`;
await post(url, requestsOf(channel, { events: 4000, perRequest: 1, people: 1000, run: 'warm' }), 50);
for (const perRequest of [1, 20]) {
  const before = await service.usage();
  const requests = requestsOf(channel, {
    events: perRequest * 20000 > 200000 ? 200000 : perRequest * 20000,
    perRequest,
    people: 5000,
    run: `r${perRequest}`,
  });
  const r = await post(url, requests, 64);
  const after = await service.usage();
  console.log(perRequest, r, 'cpuMs/req', (after.cpuMs - before.cpuMs) / requests.length, 'rss', after.rssMb);
}
const { rows } = await (
  await import('kysely')
).sql`select count(*)::int as n from inbox where workspace_id = ${channel.workspaceId}`
  .execute({} as never)
  .catch(() => ({ rows: [] }));
console.log(rows);
console.time('apply');
const b = await service.usage();
service.startWork();
for (;;) {
  if ((await world.store.workspacesWithWork('inbox')).length === 0) break;
  await new Promise((r) => setTimeout(r, 50));
}
console.timeEnd('apply');
const a = await service.usage();
console.log('apply cpuMs', a.cpuMs - b.cpuMs, a.rssMb);
await service.stop();
await world.close();
