import type { AccountChanges, CrmChange } from '@sangam/core/crm';
import { z } from 'zod';
import { parseJson } from '../shared/json.ts';

/** HubSpot's webhook bodies. Shapes: docs/vendors/hubspot.md §3.2. */

const id = z.union([z.string().min(1), z.number()]).transform(String);
const optionalText = z.string().optional().catch(undefined);

const event = z.looseObject({
  portalId: id,
  subscriptionType: z.string(),
  occurredAt: z.coerce.number().int().positive(),
  objectId: id.optional().catch(undefined),
  objectTypeId: optionalText,
  propertyName: optionalText,
  propertyValue: z
    .union([z.string(), z.number(), z.boolean()])
    .nullish()
    .transform((value) => String(value ?? '')),
  changeSource: optionalText,
  sourceId: z.coerce.string().optional().catch(undefined),
  primaryObjectId: id.optional().catch(undefined),
  mergedObjectIds: z.array(id).default([]).catch([]),
  newObjectId: id.optional().catch(undefined),
});
type WebhookEvent = z.infer<typeof event>;

/** `objectTypeId` of contacts, in the `object.*` family of subscriptions. */
const contactType = '0-1';

/**
 * What a webhook body says of contacts, by account, in the order told. Total: what cannot be read, or speaks of
 * something else, is left out and counted.
 */
export function readHubspotChanges(body: Buffer): { accounts: AccountChanges[]; unread: number } {
  const parsed = parseJson(body.toString('utf8'));
  const byAccount = new Map<string, CrmChange[]>();
  let unread = 0;
  for (const item of Array.isArray(parsed) ? (parsed as unknown[]) : [parsed]) {
    const read = event.safeParse(item);
    const changes = read.success ? changesOf(read.data) : [];
    if (!read.success || changes.length === 0) {
      unread += 1;
      continue;
    }
    const { portalId } = read.data;
    const before = byAccount.get(portalId);
    if (before === undefined) byAccount.set(portalId, changes);
    else before.push(...changes);
  }
  return { accounts: [...byAccount].map(([account, changes]) => ({ account, changes })), unread };
}

function changesOf(event: WebhookEvent): CrmChange[] {
  const [family, what] = event.subscriptionType.split('.');
  const ofContact = family === 'contact' || (family === 'object' && event.objectTypeId === contactType);
  if (!ofContact) return [];
  const { objectId: recordId, occurredAt: at } = event;
  if (what === 'merge') return mergesOf(event);
  if (recordId === undefined) return [];
  switch (what) {
    case 'creation':
      return [{ kind: 'created', recordId, at }];
    case 'deletion':
      return [{ kind: 'deleted', recordId, at }];
    case 'restore':
      return [{ kind: 'restored', recordId, at }];
    case 'privacyDeletion':
      return [{ kind: 'erased', recordId, at }];
    case 'propertyChange': {
      const { propertyName: field = '', propertyValue: value } = event;
      const by = authorOf(event);
      return field === ''
        ? []
        : [{ kind: 'field', recordId, at, field, value, ...(by === undefined ? {} : { by }) }];
    }
    default:
      return [];
  }
}

/** Whoever took part is gone, but for the id the record lives on under: that of one of them, or a new one. */
function mergesOf({
  primaryObjectId,
  mergedObjectIds,
  newObjectId,
  occurredAt: at,
}: WebhookEvent): CrmChange[] {
  const into = newObjectId ?? primaryObjectId;
  if (into === undefined) return [];
  const parties = new Set([...(primaryObjectId === undefined ? [] : [primaryObjectId]), ...mergedObjectIds]);
  parties.delete(into);
  return [...parties].map((recordId) => ({ kind: 'merged', recordId, into, at }));
}

/**
 * A user, or the app that wrote. An app may act in the name of the user who installed it, so what an integration did is
 * never laid at a user's door.
 */
function authorOf({ changeSource, sourceId = '' }: WebhookEvent): string | undefined {
  if (changeSource === 'INTEGRATION' || changeSource === 'API') {
    const app = /^(?:appId:)?(\d+)$/.exec(sourceId)?.[1];
    return app === undefined ? undefined : `app ${app}`;
  }
  const user = /^userId:(\d+)/.exec(sourceId)?.[1];
  return user === undefined ? undefined : `user ${user}`;
}
