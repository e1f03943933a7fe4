import { type Connector, type Credentials, type Permits, traitsWith } from '@sangam/core/crm';
import { createAbsentProperties } from './absent-properties.ts';
import { createHubspotClient } from './client.ts';
import { listFields } from './fields.ts';
import { listOwners } from './owner-api.ts';
import { findByPhone } from './phone-search.ts';
import { planProperties, provisionProperties } from './provisioning.ts';
import { readByContactId, readRecords } from './read.ts';
import { scanPage } from './scan.ts';
import { tagOptionsOf } from './tag-options.ts';
import { createTimeline } from './timeline.ts';
import { hubspotTraits } from './traits.ts';
import { batchSize } from './vendor.ts';
import { createRecords, updateRecords } from './write.ts';

export interface HubspotConnectorOptions {
  /** From `hubspotBasePath`. */
  readonly basePath: string;
  /** Scopes: `hubspotScopes`. */
  readonly credentials: Credentials;
  /** Asked under the names of `hubspotTraits.usualFacts.limits`. */
  readonly permits: Permits;
  /** How long one call may take; shorter than a lease (docs/design.md §4). */
  readonly timeoutMs?: number;
}

/**
 * One HubSpot account behind the port. Records are keyed: HubSpot lets only one hold our contact id, so a write may be
 * repeated after an unknown outcome. Timeline entries are findable.
 *
 * Besides the port's `batch_refused` and `FieldsMissing`, calls throw `reconnect`, `missing_scope`, `not_provisioned`
 * and `property_mismatch` (never: a person must act first), `limit_wait`, `rate_limited`, `daily_limit`, `locked`,
 * `moving`, `unavailable`, `not_connected`, `unreachable`, `timeout`, `unreadable_answer`, `incomplete_answer`, `not_found`,
 * `token_doubted`, `access_doubted` and `unexpected_answer` (later).
 */
export function createHubspotConnector(options: HubspotConnectorOptions): Connector {
  const { timeoutMs = 20_000, ...access } = options;
  const client = createHubspotClient({ ...access, timeoutMs });
  const tagOptions = tagOptionsOf(client);
  const absent = createAbsentProperties();

  return {
    traits: traitsWith(hubspotTraits, {}),
    timeline: createTimeline(client, absent),

    fields() {
      absent.forget();
      return listFields(client);
    },
    owners: () => listOwners(client),
    planProvisioning: () => planProperties(client),
    provision() {
      absent.forget();
      return provisionProperties(client);
    },

    async read(recordIds, fields, priority) {
      mustFitBatch(recordIds);
      return recordIds.length === 0 ? [] : readRecords(client, absent, recordIds, fields, priority);
    },
    async findByContactId(contactIds, fields, priority) {
      mustFitBatch(contactIds);
      return contactIds.length === 0 ? [] : readByContactId(client, absent, contactIds, fields, priority);
    },
    async findByPhone(phones, fields, priority) {
      mustFitBatch(phones, hubspotTraits.sizes.findByPhone);
      return phones.length === 0 ? [] : findByPhone(client, absent, phones, fields, priority);
    },

    async create(creates, priority) {
      mustFitBatch(creates);
      return creates.length === 0 ? [] : createRecords(client, tagOptions, creates, priority);
    },
    async update(updates, priority) {
      mustFitBatch(updates);
      const read = (recordIds: readonly string[]) => readRecords(client, absent, recordIds, [], priority);
      return updates.length === 0 ? [] : updateRecords(client, tagOptions, updates, read, priority);
    },

    scan: (from, fields, priority) => scanPage(client, absent, from, fields, priority),
  };
}

/** More is a bug of the caller's; HubSpot would refuse it for everyone in the batch. */
function mustFitBatch(items: readonly unknown[], most = batchSize): void {
  if (items.length > most) throw new RangeError(`${items.length} in one call of at most ${most}`);
}
