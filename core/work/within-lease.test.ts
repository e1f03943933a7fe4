import { describe, expect, test } from 'vitest';
import type { Connector } from '../crm/index.ts';
import { Calls } from './calls.ts';
import { withinLease } from './within-lease.ts';

/** Each call that touches records or timelines, by its name. */
const names = ['read', 'findByContactId', 'findByPhone', 'create', 'update'] as const;
const timelineNames = ['write', 'find', 'remove'] as const;

describe.each(['in time', 'too late'] as const)('a call that begins %s', (when) => {
  const begun: string[] = [];
  const call = (name: string) => async (): Promise<never[]> => {
    begun.push(name);
    return [];
  };
  const connector = {
    traits: {},
    ...Object.fromEntries(names.map((name) => [name, call(name)])),
    timeline: Object.fromEntries(timelineNames.map((name) => [name, call(name)])),
  } as unknown as Connector;
  const leasedUntil = performance.now() + (when === 'in time' ? 600_000 : 0);
  const held = withinLease(connector, new Calls(leasedUntil));
  const calls = [
    ...names.map((name) => [name, held[name]] as const),
    ...timelineNames.map((name) => [name, held.timeline[name]] as const),
  ];

  test.each(calls)('%s', async (name, made) => {
    begun.length = 0;
    const ended = (made as () => Promise<unknown>)();
    if (when === 'in time') await ended;
    else await expect(ended).rejects.toMatchObject({ code: 'too_slow' });
    expect(begun).toEqual(when === 'in time' ? [name] : []);
  });
});
