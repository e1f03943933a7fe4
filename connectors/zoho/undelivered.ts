import type { Undelivered } from '@sangam/core/crm';
import { z } from 'zod';
import type { ZohoClient } from './client.ts';
import { refusalError } from './errors.ts';
import { listOf } from './lists.ts';
import { apiRoot, listPageSize, pagedMost } from './vendor.ts';

/** Webhooks of the customer's own rules, and what became of them. Shapes: docs/vendors/zoho.md §7.2, §7.3. */
const path = `${apiRoot}/settings/automation`;

const info = z.looseObject({ more_records: z.boolean() }).optional().catch(undefined);
const headers = z
  .array(z.looseObject({ name: z.string() }))
  .nullish()
  .catch(undefined);

const webhooks = z
  .looseObject({
    webhooks: listOf(
      z.looseObject({
        id: z.string(),
        headers: z
          .looseObject({ custom_parameters: headers, module_parameters: headers })
          .nullish()
          .catch(undefined),
      }),
    ),
    info,
  })
  .optional();

const failures = z
  .looseObject({
    webhook_failures: listOf(
      z.looseObject({
        webhook: z.looseObject({ id: z.string(), name: z.string().catch('') }),
        failure_time: z.string(),
        failure_reason: z.string().nullish().catch(undefined),
      }),
    ),
    info,
  })
  .optional();

/** With it a webhook shows the connection's secret, or the relay's. docs/zoho-extension.md */
const secretHeader = 'x-sangam-secret';

const day = 24 * 60 * 60 * 1000;

/**
 * What webhooks that show us a secret could not deliver: straight to us, or by a relay. Undefined: the user who connected may not
 * manage rules, or agreed before that was asked for.
 */
export async function undelivered(client: ZohoClient, since: number): Promise<Undelivered[] | undefined> {
  const made = await pages(
    client,
    'webhooks',
    new URLSearchParams(),
    webhooks,
    (page) => page?.webhooks ?? [],
  );
  if (made === undefined) return undefined;
  const isOurs = (header: { readonly name: string }): boolean => header.name.toLowerCase() === secretHeader;
  const ours = new Set(
    made
      .filter(({ headers: sent }) =>
        [...(sent?.custom_parameters ?? []), ...(sent?.module_parameters ?? [])].some(isOurs),
      )
      .map(({ id }) => id),
  );
  if (ours.size === 0) return [];
  // By the days of whichever zone: the one before is among them.
  const from = new Date(since - day).toISOString().slice(0, 10);
  const query = new URLSearchParams({ from });
  const failed = await pages(
    client,
    'webhook_failures',
    query,
    failures,
    (page) => page?.webhook_failures ?? [],
  );
  return failed?.flatMap(({ webhook, failure_time: time, failure_reason: reason }) => {
    const at = Date.parse(time);
    return ours.has(webhook.id) && at > since
      ? [{ by: webhook.name, at, reason: (reason ?? 'no reason given').slice(0, 200) }]
      : [];
  });
}

interface Paged {
  readonly info?: { readonly more_records: boolean } | undefined;
}

/** Ten pages at most: of more failures than that as many tell enough. */
async function pages<Page extends Paged | undefined, Item>(
  client: ZohoClient,
  list: string,
  query: URLSearchParams,
  answer: z.ZodType<Page>,
  itemsOf: (page: Page) => readonly Item[],
): Promise<Item[] | undefined> {
  const found: Item[] = [];
  for (let page = 1; page * listPageSize <= pagedMost; page += 1) {
    const paged = new URLSearchParams({
      ...Object.fromEntries(query),
      page: String(page),
      per_page: String(listPageSize),
    });
    const call = {
      method: 'GET',
      path: `${path}/${list}?${paged.toString()}`,
      answer: 'many',
      priority: 'import',
    } as const;
    const answered = await client.call(call, answer);
    if (!answered.ok) {
      if (answered.refusal.code === 'missing_scope') return undefined;
      throw refusalError(answered.refusal);
    }
    found.push(...itemsOf(answered.body));
    if (answered.body?.info?.more_records !== true) return found;
  }
  return found;
}
