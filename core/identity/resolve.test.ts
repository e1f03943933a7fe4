import { describe, expect, test } from 'vitest';
import { evidenceOf, evidenceOfChange, resolveIdentities } from './index.ts';

const anil = '+919811111111';
const bela = '+919822222222';
const portfolio = 'p1';
const key = (bsuid: string, scope = portfolio): string => `bsuid:${scope}:${bsuid}`;
const seen = (phone: string, bsuid: string, at: number, scope = portfolio) =>
  evidenceOf({ phone, bsuid }, scope, at);

describe('who is who', () => {
  test('ids shown together are one person', () => {
    const people = resolveIdentities(seen(anil, 'IN.A', 10));
    expect(people.personOf({ phone: anil, at: 5 })).toBe(people.personOf({ bsuidKey: key('IN.A'), at: 99 }));
  });

  test('a phone seen with another BSUID of the portfolio has changed hands', () => {
    const people = resolveIdentities([...seen(anil, 'IN.A', 10), ...seen(anil, 'IN.B', 20)]);
    const old = people.personOf({ bsuidKey: key('IN.A'), at: 30 });
    const fresh = people.personOf({ bsuidKey: key('IN.B'), at: 30 });
    expect(old).not.toBe(fresh);
    expect(people.personOf({ phone: anil, at: 19 })).toBe(old);
    expect(people.personOf({ phone: anil, at: 20 })).toBe(fresh);
  });

  test('a rotation between them says it is the same person', () => {
    const people = resolveIdentities([
      ...seen(anil, 'IN.A', 10),
      ...seen(anil, 'IN.B', 20),
      ...evidenceOfChange({ before: { bsuid: 'IN.A' }, after: { bsuid: 'IN.B' } }, portfolio, 15),
    ]);
    expect(people.personOf({ bsuidKey: key('IN.A'), at: 30 })).toBe(people.personOf({ phone: anil, at: 30 }));
  });

  test('a number change carries the person to the new phone and frees the old one', () => {
    const people = resolveIdentities(
      evidenceOfChange(
        { before: { phone: anil, bsuid: 'IN.A' }, after: { phone: bela, bsuid: 'IN.A2' } },
        portfolio,
        50,
      ),
    );
    const person = people.personOf({ bsuidKey: key('IN.A'), at: 0 });
    expect(people.personOf({ phone: bela, at: 60 })).toBe(person);
    expect(people.personOf({ phone: anil, at: 40 })).toBe(person);
    expect(people.personOf({ phone: anil, at: 60 })).not.toBe(person);
  });

  test('a number change without BSUIDs works the same', () => {
    const people = resolveIdentities(
      evidenceOfChange({ before: { phone: anil }, after: { phone: bela } }, portfolio, 50),
    );
    expect(people.personOf({ phone: bela, at: 60 })).toBe(people.personOf({ phone: anil, at: 40 }));
    expect(people.personOf({ phone: bela, at: 40 })).not.toBe(people.personOf({ phone: anil, at: 40 }));
  });

  test('a BSUID means nothing in another portfolio', () => {
    const people = resolveIdentities([], [key('IN.A', 'p1'), key('IN.A', 'p2')]);
    expect(people.personOf({ bsuidKey: key('IN.A', 'p1'), at: 0 })).not.toBe(
      people.personOf({ bsuidKey: key('IN.A', 'p2'), at: 0 }),
    );
  });

  test('one phone under two portfolios is one person', () => {
    const people = resolveIdentities([...seen(anil, 'IN.A', 10, 'p1'), ...seen(anil, 'IN.C', 20, 'p2')]);
    expect(people.personOf({ bsuidKey: key('IN.A', 'p1'), at: 0 })).toBe(
      people.personOf({ bsuidKey: key('IN.C', 'p2'), at: 0 }),
    );
  });

  test('a parent BSUID joins the BSUIDs shown with it', () => {
    const people = resolveIdentities([
      ...evidenceOf({ bsuid: 'IN.A', parentBsuid: 'IN.ENT.X' }, 'p1', 10),
      ...evidenceOf({ bsuid: 'IN.C', parentBsuid: 'IN.ENT.X' }, 'p2', 10),
    ]);
    expect(people.personOf({ bsuidKey: key('IN.A', 'p1'), at: 0 })).toBe(
      people.personOf({ bsuidKey: key('IN.C', 'p2'), at: 0 }),
    );
  });

  test('three owners in one instant are three people', () => {
    const people = resolveIdentities([
      ...seen(anil, 'IN.A', 10),
      ...seen(anil, 'IN.B', 10),
      ...seen(anil, 'IN.C', 10),
    ]);
    const persons = ['IN.A', 'IN.B', 'IN.C'].map((bsuid) =>
      people.personOf({ bsuidKey: key(bsuid), at: 10 }),
    );
    expect(new Set(persons).size).toBe(3);
  });

  test('a member may say that a phone is somebody else’s from some time on', () => {
    const people = resolveIdentities([{ kind: 'hand_over', a: anil, b: anil, at: 20 }], [anil]);
    expect(people.personOf({ phone: anil, at: 20 })).not.toBe(people.personOf({ phone: anil, at: 19 }));
  });

  test('a member may say that two are one, which says nothing of who held the phone before or since', () => {
    const joined = { kind: 'joined', a: anil, b: bela, at: 30, bAt: 1 } as const;
    const handOver = { kind: 'hand_over', a: anil, b: anil, at: 20 } as const;
    const since = resolveIdentities([{ ...joined, aAt: 25 }, handOver], [anil, bela]);
    expect(since.personOf({ phone: anil, at: 30 })).toBe(since.personOf({ phone: bela, at: 1 }));
    expect(since.personOf({ phone: anil, at: 1 })).not.toBe(since.personOf({ phone: bela, at: 1 }));
    const before = resolveIdentities([{ ...joined, aAt: 5 }, handOver], [anil, bela]);
    expect(before.personOf({ phone: anil, at: 1 })).toBe(before.personOf({ phone: bela, at: 1 }));
    expect(before.personOf({ phone: anil, at: 30 })).not.toBe(before.personOf({ phone: bela, at: 1 }));
  });
});
