import {
  type Connector,
  type Credentials,
  type KnownFacts,
  type Permits,
  traitsWith,
} from '@sangam/core/crm';
import type { ZohoAccount } from './account.ts';
import { createAccountSchema } from './account-schema.ts';
import { createZohoClient } from './client.ts';
import { inNotes } from './entry-store.ts';
import { listFields } from './fields.ts';
import { listOwners } from './org-api.ts';
import { findByPhone } from './phone-search.ts';
import { learnFacts, planFields, provisionFields } from './provisioning.ts';
import { readByContactId, readRecords } from './read.ts';
import { scanPage } from './scan.ts';
import { createTimeline } from './timeline.ts';
import { rowsTimeline, zohoTraits } from './traits.ts';
import { undelivered } from './undelivered.ts';
import { subscribe } from './watch.ts';
import { createRecords, updateRecordsOf } from './write.ts';

export interface ZohoConnectorOptions {
  /** From `apiAt`. */
  readonly apiBase: string;
  /** Scopes: `zohoScopes`. */
  readonly credentials: Credentials;
  /** Asked under the names of `limitsOf`. */
  readonly permits: Permits;
  readonly facts: KnownFacts;
  /** How long one call may take; shorter than a lease (docs/design.md §4). */
  readonly timeoutMs?: number;
}

/**
 * One Zoho CRM org behind the port. Records are keyed: an insert is refused where a record of its module holds our contact id.
 * Timeline entries are rows of our own module by our key, or notes that are found by it.
 *
 * Besides the port's `batch_refused` and `FieldsMissing`, calls throw `reconnect`, `missing_scope`, `not_provisioned` and
 * `property_mismatch` (never: a person must act first), `limit_wait`, `rate_limited`, `daily_limit`, `unavailable`,
 * `not_connected`, `unreachable`, `timeout`, `unreadable_answer`, `incomplete_answer`, `query_refused`, `no_such_module`,
 * `token_doubted`, `access_doubted`, `entry_kept` and `unexpected_answer` (later).
 */
export function createZohoConnector(options: ZohoConnectorOptions): Connector {
  const { timeoutMs = 20_000, apiBase, facts, ...access } = options;
  const client = createZohoClient({ ...access, basePath: apiBase, timeoutMs });
  const schema = createAccountSchema(client);
  const account: ZohoAccount = { client, schema, facts };

  return {
    get traits() {
      const { timelineIn = inNotes } = facts.now();
      const timeline = timelineIn === inNotes ? zohoTraits.timeline : rowsTimeline;
      return { ...traitsWith(zohoTraits, facts.now()), timeline };
    },
    timeline: createTimeline(account),
    learnFacts: () => learnFacts(account, apiBase),

    fields() {
      schema.forget();
      return listFields(schema);
    },
    owners: () => listOwners(client),
    planProvisioning: () => planFields(account),
    provision: () => provisionFields(account, apiBase),

    async read(recordIds, fields, priority) {
      return recordIds.length === 0 ? [] : readRecords(account, recordIds, fields, priority);
    },
    async findByContactId(contactIds, fields, priority) {
      return contactIds.length === 0 ? [] : readByContactId(account, contactIds, fields, priority);
    },
    async findByPhone(phones, fields, priority) {
      return phones.length === 0 ? [] : findByPhone(account, phones, fields, priority);
    },

    // Unless it is told otherwise, Zoho runs the org's own rules for whatever is written. docs/vendors/zoho.md §7.1
    create: async (creates, priority, automations = true) =>
      creates.length === 0 ? [] : createRecords(account, creates, priority, automations),
    update: async (updates, priority, automations = true) =>
      updates.length === 0 ? [] : updateRecordsOf(account, updates, priority, automations),

    scan: (from, fields, priority) => scanPage(account, from, fields, priority),
    subscribe: (to) => subscribe(account, to),
    undelivered: (since) => undelivered(client, since),
  };
}
