import { Refusal } from '@sangam/core/errors';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { readInput } from './wrong-input.ts';

const phone = z
  .string()
  .transform((typed) => (typed.startsWith('+') ? typed : undefined))
  .pipe(z.string('must be a number with its country code'));
const to = z.union([z.strictObject({ contactId: z.uuid() }), z.strictObject({ phone })]);
const value = z.union([
  z.string(),
  z.strictObject({ field: z.string(), fallback: z.string() }),
  z.strictObject({ field: z.string(), days: z.int() }),
]);
const header = z.union([z.strictObject({ text: value }), z.strictObject({ link: z.url() })]);
const schema = z.strictObject({ to: to.optional(), value: value.optional(), header: header.optional() });

test.each<[unknown, unknown]>([
  [{ to: { phone: '9198' } }, [{ path: 'to.phone', message: 'must be a number with its country code' }]],
  [
    { to: {} },
    [
      {
        path: 'to',
        message: 'contactId is missing: it must be text; or phone is missing: it must be text',
      },
    ],
  ],
  [
    { header: { txt: '' } },
    [{ path: 'header', message: 'text is missing; or link is missing: it must be text' }],
  ],
  [
    { header: { link: 'picture' } },
    [{ path: 'header.link', message: 'must be an address, such as https://example.com/picture.png' }],
  ],
  [{ value: 7 }, [{ path: 'value', message: 'must be text; or must be an object, in { }' }]],
])(
  'an input that may have several forms is told what is wrong with the one it is nearest to: %j',
  (given, fields) => {
    let told: unknown;
    try {
      readInput(schema, given);
    } catch (error) {
      told = error instanceof Refusal ? error.fields : error;
    }
    expect(told).toEqual(fields);
  },
);
