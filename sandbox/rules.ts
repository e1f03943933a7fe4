import { type HubspotRules, hubspotRules } from './hubspot/rules.ts';
import { type WhatsappRules, whatsappRules } from './whatsapp/rules.ts';

/** Rules of the vendors that nobody has confirmed live, each with a switch for the opposite answer. */
export interface SandboxRules {
  readonly whatsapp: Partial<WhatsappRules>;
  readonly hubspot: Partial<HubspotRules>;
}

/** Throws zod's error for a rule or answer that does not exist. */
export function startingRules(rules: Partial<SandboxRules> = {}): {
  whatsapp: WhatsappRules;
  hubspot: HubspotRules;
} {
  return {
    whatsapp: whatsappRules.parse(rules.whatsapp ?? {}),
    hubspot: hubspotRules.parse(rules.hubspot ?? {}),
  };
}
