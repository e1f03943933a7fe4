import { z } from 'zod';
import type { HubspotClient } from './client.ts';
import { apiVersion, listPageSize } from './vendor.ts';

const optionalText = z.string().optional().catch(undefined);

const ownerPage = z.looseObject({
  results: z.array(
    z.looseObject({
      id: z.string(),
      firstName: optionalText,
      lastName: optionalText,
      email: optionalText,
    }),
  ),
  paging: z
    .looseObject({ next: z.looseObject({ after: z.string() }) })
    .optional()
    .catch(undefined),
});

/**
 * Who may own a contact, by name, or by e-mail who has none. Needs the scope `crm.objects.owners.read`,
 * docs/vendors/hubspot.md §5.
 */
export async function listOwners(client: HubspotClient): Promise<{ ownerId: string; name: string }[]> {
  const owners: { ownerId: string; name: string }[] = [];
  let after: string | undefined;
  do {
    const query = new URLSearchParams({
      limit: String(listPageSize),
      ...(after === undefined ? {} : { after }),
    });
    const path = `/crm/owners/${apiVersion}?${query.toString()}`;
    const page = await client.succeed({ method: 'GET', path, priority: 'fields' }, ownerPage);
    for (const { id, firstName = '', lastName = '', email = '' } of page.results) {
      owners.push({ ownerId: id, name: `${firstName} ${lastName}`.trim() || email || id });
    }
    after = page.paging?.next.after;
  } while (after !== undefined);
  return owners;
}
