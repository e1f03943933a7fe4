import type { CrmRules } from './registry.ts';
import type { WhatsappRules } from './whatsapp/rules.ts';

/** Rules of the vendors that nobody has confirmed live, each with a switch for the opposite answer. */
export interface SandboxRules extends CrmRules {
  readonly whatsapp: Partial<WhatsappRules>;
}
