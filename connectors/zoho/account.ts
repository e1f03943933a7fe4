import type { KnownFacts } from '@sangam/core/crm';
import type { AccountSchema } from './account-schema.ts';
import type { ZohoClient } from './client.ts';
import { usualNames } from './account-facts.ts';

/** One account, as the calls of this folder need it. */
export interface ZohoAccount {
  readonly client: ZohoClient;
  readonly schema: AccountSchema;
  readonly facts: KnownFacts;
}

/** What our unique field is called there. */
export function contactIdFieldOf({ facts }: Pick<ZohoAccount, 'facts'>): string {
  return facts.now().contactIdField ?? usualNames.contactIdField;
}

export function phoneFieldsOf({ facts }: Pick<ZohoAccount, 'facts'>): readonly string[] {
  return facts.now().phoneFields ?? usualNames.phoneFields;
}
