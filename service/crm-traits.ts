import type { ConnectorTraits } from '@sangam/core/crm';
import { hubspotTraits } from '@sangam/connectors/hubspot';

/** Every CRM there is a connector for. */
const crms: Readonly<Record<string, ConnectorTraits>> = { hubspot: hubspotTraits };

/** What is so of a CRM whoever's account it is; undefined: there is no connector for it. */
export function traitsOf(crm: string): ConnectorTraits | undefined {
  return Object.hasOwn(crms, crm) ? crms[crm] : undefined;
}
