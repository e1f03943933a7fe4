import { answerError, notFound } from './errors.ts';
import type { Operations } from './operation.ts';

/** The portal's owners: who records belong to. Shape: the owners API, from memory. */
const owners = [
  owner('30001', 2_000_001, 'meera.iyer@example.com', 'Meera', 'Iyer'),
  owner('30002', 2_000_002, 'arjun.nair@example.com', 'Arjun', 'Nair'),
  owner('30003', 2_000_003, 'sana.khan@example.com', 'Sana', 'Khan'),
];

/** What an owner's property takes. */
export const ownerIds: ReadonlySet<string> = new Set(owners.map(({ id }) => id));

/** `email` narrows the list; an owner is read by `id`, or by user with `idProperty=userId`. */
export const ownerOperations: Operations = {
  'GET /crm/owners': ({ query }) => {
    const email = query.get('email');
    return {
      status: 200,
      body: { results: owners.filter((each) => email === null || each.email === email.toLowerCase()) },
    };
  },
  'GET /crm/owners/{id}': ({ id, query }) => {
    const byUser = query.get('idProperty') === 'userId';
    const found = owners.find((each) => (byUser ? String(each.userId) : each.id) === id);
    return found === undefined ? answerError(notFound()) : { status: 200, body: found };
  },
};

function owner(
  id: string,
  userId: number,
  email: string,
  firstName: string,
  lastName: string,
): {
  readonly id: string;
  readonly userId: number;
  readonly email: string;
  readonly [name: string]: unknown;
} {
  return {
    id,
    email,
    type: 'PERSON',
    firstName,
    lastName,
    userId,
    createdAt: '2026-01-05T09:00:00.000Z',
    updatedAt: '2026-01-05T09:00:00.000Z',
    archived: false,
    teams: [],
  };
}
