import { systemClock } from '@sangam/core/clock';
import { openStore } from '@sangam/core/store';
import { createTestDatabase, openDatabaseProxy } from '@sangam/test';
import { Registry } from 'prom-client';
import { expect, onTestFinished, test } from 'vitest';
import { addGauges } from './gauges.ts';

test('a scrape does not wait for a database that falls silent on a connection that is open', async () => {
  const database = await createTestDatabase();
  const proxy = await openDatabaseProxy(database.url);
  const store = openStore(proxy.url);
  onTestFinished(async () => {
    proxy.cutAll();
    await store.close();
    proxy.close();
    await database.drop();
  });
  const registry = new Registry();
  addGauges(registry, { store, clock: systemClock, failing: () => new Map() });
  // Its connection stays open in the pool.
  await store.gauges({ now: systemClock.now(), silentSince: 0 });
  proxy.silence();
  const started = performance.now();
  const printed = await registry.metrics();
  // Prometheus gives up after 10 s by itself; such a connection is cut after 65.
  expect(performance.now() - started).toBeLessThan(30_000);
  expect(printed).toContain('sangam_gauges_read{from="database"} 0');
});
