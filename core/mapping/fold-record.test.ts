import { expect, test } from 'vitest';
import type { ContactFields } from '../crm/index.ts';
import { foldRecord } from './index.ts';

const asha: ContactFields = {
  contactId: 'asha',
  phones: ['+919812340001'],
  firstName: 'Asha',
  lastName: '',
  leadSource: 'WhatsApp Inbound',
  windowState: 'closed',
  optOut: false,
  tags: [],
  flowAnswers: {},
};
const bela: ContactFields = { ...asha, contactId: 'bela', firstName: 'Bela' };

test.each([
  ['the earlier of two', 20, 10, 10],
  ['the earlier of two, whoever is named first', 10, 20, 10],
  ['that of the one who waits', undefined, 20, 20],
])('a record of two people waits since %s', (_name, first, second, since) => {
  const waits = (contact: ContactFields, at: number | undefined): ContactFields =>
    at === undefined ? contact : { ...contact, waitingSince: at };
  expect(foldRecord([waits(asha, first), waits(bela, second)], [])?.waitingSince).toBe(since);
});

test('a record of two people who were answered waits for nobody', () => {
  expect(foldRecord([asha, bela], [])).not.toHaveProperty('waitingSince');
});
