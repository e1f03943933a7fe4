import type { Connector, CrmRecord, CrmUpsert } from '@sangam/core/crm';
import { createHubspotClient } from './client.ts';
import { refusalError } from './errors.ts';
import { defaultMapping } from './mapping.ts';
import { incomplete, isUnexplained, outcomesOf, wasOvertaken } from './outcomes.ts';
import { tagsProperty } from './properties.ts';
import { mustBeProvisioned, provisionProperties } from './provisioning.ts';
import { batchRead, batchUpsert, contactIdOf, toCrmRecord } from './record-api.ts';
import { createTagOptions } from './tag-options.ts';
import { readTags } from './tags.ts';
import { batchSize } from './vendor.ts';

export interface HubspotConnectorOptions {
  /** From `hubspotBasePath`. */
  readonly basePath: string;
  /** Asked before every call. Scopes: facts/hubspot.md §4.4. */
  readonly accessToken: () => Promise<string>;
  /** How long one call may take; shorter than a lease (design.md §4). */
  readonly timeoutMs?: number;
}

/**
 * One HubSpot account behind the port. Every write is keyed: HubSpot lets only one record hold our contact id, so an
 * upsert may be repeated after an unknown outcome.
 *
 * Besides the port's `batch_refused`, calls throw `reconnect`, `missing_scope`, `not_provisioned` and
 * `property_mismatch` (never: a person must act first), `rate_limited`, `locked`, `moving`, `unavailable`,
 * `unreachable`, `timeout`, `unreadable_answer`, `incomplete_answer` and `unexpected_answer` (later).
 */
export function createHubspotConnector(options: HubspotConnectorOptions): Connector {
  const { basePath, accessToken, timeoutMs = 20_000 } = options;
  const client = createHubspotClient({ basePath, accessToken, timeoutMs });
  const tagOptions = createTagOptions(client);
  const fields = defaultMapping.map(({ crmField }) => crmField);

  const write = async (upserts: readonly CrmUpsert[]) => {
    await tagOptions.ensure(upserts.flatMap(({ values }) => readTags(values[tagsProperty] ?? '')));
    return batchUpsert(client, upserts);
  };

  return {
    batchSize,
    mapping: defaultMapping,

    provision: () => provisionProperties(client),

    async read(contactIds) {
      mustFitBatch(contactIds);
      if (contactIds.length === 0) return [];
      const answer = await batchRead(client, contactIds, fields);
      if (!answer.ok) {
        if (isUnexplained(answer)) await mustBeProvisioned(client);
        throw refusalError(answer.refusal);
      }
      const { results, errors } = answer.body;
      if (errors.some(({ category }) => category !== 'OBJECT_NOT_FOUND')) throw incomplete();
      return results.flatMap((result): CrmRecord[] => {
        const contactId = contactIdOf(result);
        return contactId === undefined ? [] : [toCrmRecord(result, contactId, fields)];
      });
    },

    async upsert(upserts) {
      mustFitBatch(upserts);
      if (upserts.length === 0) return [];
      let answer = await write(upserts);
      if (wasOvertaken(answer)) {
        tagOptions.forget();
        answer = await write(upserts);
      }
      if (isUnexplained(answer)) await mustBeProvisioned(client);
      return outcomesOf(upserts, answer);
    },
  };
}

/** More is a bug of the caller's; HubSpot would refuse it for everyone in the batch. */
function mustFitBatch(items: readonly unknown[]): void {
  if (items.length > batchSize)
    throw new RangeError(`${items.length} records in one batch of at most ${batchSize}`);
}
