import { hubspot } from './hubspot/index.ts';
import type { Crm } from './shared/crm.ts';
import { zoho } from './zoho/index.ts';

export type {
  Access,
  Crm,
  CrmAccount,
  CrmApp,
  CrmForm,
  CrmRequest,
  CrmSettings,
  CrmSite,
  Grant,
  Renewable,
  SessionProof,
} from './shared/crm.ts';

export { token } from './shared/variables.ts';

/** Every CRM there is a connector for. */
export const crms: readonly Crm[] = [hubspot, zoho];
