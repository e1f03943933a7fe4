import { hash } from 'node:crypto';
import fc from 'fast-check';
import { engineNow } from './engine-fixture.ts';
import {
  type Change,
  echo,
  history,
  message,
  numberChange,
  type Person,
  preference,
  status,
  text,
} from './whatsapp.ts';

/** Anything WhatsApp may tell of a handful of people who share, swap and lose their ids. */

const phones = ['919811111111', '919822222222', '5511987654321', '551187654321'];
const bsuids = ['IN.A1', 'IN.B2', 'IN.C3'];
const at = fc.integer({ min: 1, max: 6 }).map((step) => engineNow - 60 * 60_000 + step * 1000);
const wamid = fc.constantFrom('w1', 'w2', 'w3', 'w4', 'w5', 'w6');
const person: fc.Arbitrary<Person> = fc
  .record(
    {
      phone: fc.constantFrom(...phones),
      bsuid: fc.constantFrom(...bsuids),
      parent: fc.constant('IN.ENT.P'),
      name: fc.constantFrom('Asha R', 'Bela'),
      username: fc.constantFrom('asha', 'bela'),
    },
    { requiredKeys: [] },
  )
  .filter((ids) => ids.phone !== undefined || ids.bsuid !== undefined);
const withPhone = person.filter((ids) => ids.phone !== undefined);
/** A message goes to one person; each status of it shows some of their ids. */
const recipients: readonly (Person & { phone: string; bsuid: string })[] = [
  { phone: '919811111111', bsuid: 'IN.A1' },
  { phone: '919811111111', bsuid: 'IN.C3' },
];
const sent: fc.Arbitrary<[Person, string]> = fc
  .tuple(fc.nat({ max: 1 }), fc.constantFrom('phone', 'bsuid', 'both'))
  .map(([index, shows]) => {
    const { phone, bsuid } = recipients[index] ?? { phone: '', bsuid: '' };
    const ids = shows === 'phone' ? { phone } : shows === 'bsuid' ? { bsuid } : { phone, bsuid };
    return [ids, `out${String(index)}`];
  });
const words = fc.constantFrom('hello', 'STOP', 'start', 'stop all', 'My name is Asha');

/** Says nothing of whom it is about, as WhatsApp's ids do not to those who cannot read them. */
const idOf = (said: unknown): string => `w.${hash('sha256', JSON.stringify(said)).slice(0, 20)}`;

export const anyChange: fc.Arbitrary<Change> = fc.oneof(
  // One body a message, as WhatsApp has it, and several under one id, as it should not.
  {
    weight: 4,
    arbitrary: fc
      .tuple(person, at, words)
      .map(([who, time, said]) => text(who, idOf([who, time, said]), time, said)),
  },
  { weight: 1, arbitrary: fc.tuple(person, wamid, at, words).map((args) => text(...args)) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        sent,
        at,
        fc.constantFrom('sent', 'delivered', 'read', 'failed'),
        fc.constantFrom({}, { pricing: { category: 'service' } }, { pricing: { category: 'marketing' } }),
      )
      .map(([[who, id], time, name, more]) => status(who, id, time, name, more)),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(sent, at)
      .map(([[who, id], time]) => status(who, id, time, 'failed', { errors: [{ code: 131050 }] })),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(person, at, fc.constantFrom('stop' as const, 'resume' as const, 'signup' as const))
      .map((args) => preference(...args)),
  },
  { weight: 1, arbitrary: fc.tuple(withPhone, withPhone, wamid, at).map((args) => numberChange(...args)) },
  { weight: 1, arbitrary: fc.tuple(sent, at, words).map(([[who, id], ...rest]) => echo(who, id, ...rest)) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(...phones), wamid, at, words, fc.constantFrom('in' as const, 'out' as const))
      .map((args) => history(...args)),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(person, wamid, at).map(([who, id, time]) =>
      message(who, id, time, {
        type: 'interactive',
        interactive: { type: 'nfm_reply', nfm_reply: { name: 'flow', response_json: '[1]' } },
        referral: { source_type: 'ad', source_id: '1' },
      }),
    ),
  },
);
