import { FieldsMissing } from '@sangam/core/crm';
import type { HubspotClient } from './client.ts';
import { notProvisioned } from './errors.ts';
import { contactIdProperty } from './properties.ts';
import { listProperties } from './property-api.ts';

/**
 * For a refusal that does not say what it refuses: throws unless the portal has all these properties. `FieldsMissing`
 * names those it lacks; `not_provisioned` (never): our own key is among them.
 */
export async function mustBeThere(client: HubspotClient, names: readonly string[]): Promise<void> {
  const there = new Set((await listProperties(client)).map(({ name }) => name));
  const fields = [...new Set(names)].filter((name) => !there.has(name));
  if (fields.length === 0) return;
  const message = `These contact properties are missing in HubSpot: ${fields.join(', ')}. Restore them, or map others.`;
  throw fields.includes(contactIdProperty)
    ? notProvisioned(
        'never',
        `The contact property ${contactIdProperty} is missing in HubSpot. Restore it, or let Sangam set up its properties again.`,
      )
    : new FieldsMissing({ message, fields });
}
