import { z } from 'zod';
import type { ZohoClient } from './client.ts';
import { apiRoot } from './vendor.ts';

const optionalText = z.string().min(1).optional().catch(undefined);

/** The org and its users. Shapes: docs/vendors/zoho.md §3.3. */
const org = z.looseObject({
  zgid: z.union([z.string().min(1), z.number()]).transform(String),
  time_zone: optionalText,
  license_details: z
    .looseObject({
      paid_type: optionalText,
      users_license_purchased: z.coerce.number().optional().catch(undefined),
    })
    .optional()
    .catch(undefined),
});

export const orgAnswer = z.looseObject({ org: z.array(org).min(1) }).transform(({ org: [first] }) => first);

export interface Org {
  readonly zgid: string;
  readonly edition: string;
  readonly users: number;
}

export const orgPath = `${apiRoot}/org`;

export async function readOrg(client: ZohoClient): Promise<Org> {
  const found = await client.succeed({ method: 'GET', path: orgPath, priority: 'fields' }, orgAnswer);
  const { paid_type: type = 'free', users_license_purchased: users = 1 } = found?.license_details ?? {};
  const edition = type.toLowerCase().replace(/[^a-z]/g, '');
  return { zgid: found?.zgid ?? '', edition, users };
}

const user = z.looseObject({
  id: z.string(),
  full_name: optionalText,
  email: optionalText,
  profile: z.looseObject({ id: z.string() }).optional().catch(undefined),
});

const userPage = z
  .looseObject({
    users: z.array(user),
    info: z.looseObject({ more_records: z.boolean() }).optional().catch(undefined),
  })
  .optional();

/** Who works there: they may own records, and see what their profiles let them see. */
export async function listUsers(client: ZohoClient): Promise<z.infer<typeof user>[]> {
  const users: z.infer<typeof user>[] = [];
  for (let page = 1; ; page += 1) {
    const query = new URLSearchParams({ type: 'ActiveUsers', page: String(page), per_page: '200' });
    const call = { method: 'GET', path: `${apiRoot}/users?${query.toString()}`, answer: 'many' } as const;
    const answer = await client.succeed({ ...call, priority: 'fields' }, userPage);
    users.push(...(answer?.users ?? []));
    if (answer?.info?.more_records !== true) return users;
  }
}

export async function listOwners(client: ZohoClient): Promise<{ ownerId: string; name: string }[]> {
  const users = await listUsers(client);
  return users.map(({ id, full_name: name, email }) => ({ ownerId: id, name: name ?? email ?? id }));
}
