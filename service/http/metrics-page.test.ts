import { expect, test } from 'vitest';
import { metricsReaders, type MetricsReaders, type MetricsSettings } from './metrics-page.ts';

const token = 'a-token-of-metrics';

test.each<[MetricsSettings, string, string | undefined, MetricsReaders]>([
  [{}, 'localhost', undefined, 'anybody'],
  [{}, '127.0.0.1', undefined, 'anybody'],
  [{}, '::1', 'http://localhost:8080', 'anybody'],
  [{}, '0.0.0.0', undefined, 'nobody'],
  [{}, '::', undefined, 'nobody'],
  [{}, '192.168.1.10', undefined, 'nobody'],
  // A proxy on this machine.
  [{}, 'localhost', 'https://sangam.example', 'nobody'],
  [{ port: 9090 }, '0.0.0.0', 'https://sangam.example', 'anybody'],
  [{ token }, '0.0.0.0', 'https://sangam.example', { token }],
  [{ token }, 'localhost', undefined, { token }],
  [{ token, port: 9090 }, 'localhost', undefined, { token }],
])('%j on %s under %s: %j', (settings, host, publicUrl, readers) => {
  expect(metricsReaders(settings, { host, publicUrl })).toEqual(readers);
});
