import type { CrmRecord, Priority, ScanPage } from '@sangam/core/crm';
import { z } from 'zod';
import type { AbsentProperties } from './absent-properties.ts';
import type { HubspotAnswer, HubspotClient } from './client.ts';
import { refusalError } from './errors.ts';
import { parseJson } from '../shared/json.ts';
import { contactIdProperty } from './properties.ts';
import { readRecords } from './read.ts';
import {
  changeTimeOf,
  type HubspotRecord,
  listPage,
  mergedIdsOf,
  mergedIdsProperty,
  type Page,
  searchPage,
  toCrmRecord,
} from './record-api.ts';
import { incomplete } from '../shared/outcomes.ts';
import { batchSize, longestSearch, searchPageSize, vendor } from './vendor.ts';

/**
 * Where a look goes on. `all`: the list of records. `changed`: those changed at `at` or later, oldest change first; with
 * `id` those changed at that very millisecond, by id.
 */
const position = z.discriminatedUnion('step', [
  z.object({ step: z.literal('all'), after: z.string().exactOptional() }),
  z.object({ step: z.literal('changed'), at: z.number(), id: z.string().exactOptional() }),
]);
type Position = z.infer<typeof position>;
type At<Step extends Position['step']> = Extract<Position, { step: Step }>;

/**
 * A page of all records, or of those changed since then. Deleted ones are in no search, and the list of them has no order
 * that would spare going through all of it: a webhook, a write or a look at everything tells of them. Every page of changes is a search of its own from
 * where the one before ended, so neither the 10,000 results of a search nor records that change meanwhile make it miss
 * one; a record may come twice. docs/vendors/hubspot.md §4.3.
 */
export async function scanPage(
  client: HubspotClient,
  absent: AbsentProperties,
  from: { readonly cursor?: string; readonly changedSince?: number },
  fields: readonly string[],
  priority: Priority,
): Promise<ScanPage> {
  const look: Look = { client, absent, fields, priority };
  const here = from.cursor === undefined ? startOf(from.changedSince) : readCursor(from.cursor);
  switch (here.step) {
    case 'all':
      return scanAll(look, here);
    case 'changed':
      return scanChanged(look, here);
  }
}

interface Look {
  readonly client: HubspotClient;
  readonly absent: AbsentProperties;
  readonly fields: readonly string[];
  readonly priority: Priority;
}

async function scanAll(look: Look, { after }: At<'all'>): Promise<ScanPage> {
  const { results, paging } = await ask(look, (properties) =>
    listPage(look.client, { archived: false, properties, ...pageAfter(after) }, look.priority),
  );
  return {
    records: results.map((result) => toCrmRecord(result, look.fields)),
    gone: [],
    merged: mergedIn(results),
    ...next(paging === undefined ? undefined : { step: 'all', after: paging.next.after }),
  };
}

async function scanChanged(look: Look, here: At<'changed'>): Promise<ScanPage> {
  const { at, id } = here;
  const when = { propertyName: 'lastmodifieddate', value: String(at) };
  const search =
    id === undefined
      ? { filters: [{ ...when, operator: 'GTE' }], sortedBy: 'lastmodifieddate' }
      : {
          filters: [
            { ...when, operator: 'EQ' },
            { propertyName: 'hs_object_id', operator: 'GT', value: id },
          ],
          sortedBy: 'hs_object_id',
        };
  const bodyWith = (properties: readonly string[]): object => ({
    filterGroups: [{ filters: search.filters }],
    sorts: [{ propertyName: search.sortedBy, direction: 'ASCENDING' }],
    properties: [...properties, 'lastmodifieddate'],
    limit: searchPageSize,
  });
  const wanted = [contactIdProperty, mergedIdsProperty, ...look.fields];
  const roomy = JSON.stringify(bodyWith(wanted)).length <= longestSearch;
  const page = await ask(look, (properties) =>
    searchPage(
      look.client,
      bodyWith(roomy ? properties : properties.filter((name) => name === mergedIdsProperty)),
      look.priority,
    ),
  );
  return {
    records: roomy
      ? page.results.map((result) => toCrmRecord(result, look.fields))
      : await readAll(look, page.results),
    gone: [],
    merged: mergedIn(page.results),
    ...next(after(here, page)),
  };
}

/** For more fields than a search's body can name. */
async function readAll(look: Look, found: readonly HubspotRecord[]): Promise<CrmRecord[]> {
  const records: CrmRecord[] = [];
  for (let start = 0; start < found.length; start += batchSize) {
    const ids = found.slice(start, start + batchSize).map(({ id }) => id);
    records.push(...(await readRecords(look.client, look.absent, ids, look.fields, look.priority)));
  }
  return records;
}

/** Where the changes go on; undefined: there are no more. */
function after({ step, at, id }: At<'changed'>, { results, paging }: Page): Position | undefined {
  const last = results.at(-1);
  const full = last !== undefined && (paging !== undefined || results.length >= searchPageSize);
  if (id !== undefined) return { step, ...(full ? { at, id: last.id } : { at: at + 1 }) };
  if (!full) return undefined;
  const lastAt = changeTimeOf(last);
  if (lastAt === undefined) throw incomplete(vendor);
  // A page full of one millisecond, such as an import's, is gone through by id.
  return lastAt > at ? { step, at: lastAt } : { step, at, id: '0' };
}

/**
 * What was merged away: a survivor names the ids that went into it, and the time of its change is the latest that can be.
 */
function mergedIn(results: readonly HubspotRecord[]): ScanPage['merged'] {
  return results.flatMap((result) => {
    const at = changeTimeOf(result);
    if (at === undefined) return [];
    return mergedIdsOf(result).map((recordId) => ({ recordId, into: result.id, at }));
  });
}

/** Asks for the fields the portal has. */
async function ask<Answer>(
  { absent, fields }: Look,
  send: (properties: readonly string[]) => Promise<HubspotAnswer<Answer>>,
): Promise<Answer> {
  const wanted = [contactIdProperty, mergedIdsProperty, ...fields];
  let answer = await send(absent.without(wanted));
  if (absent.learn(answer)) answer = await send(absent.without(wanted));
  if (!answer.ok) throw refusalError(answer.refusal);
  return answer.body;
}

function startOf(changedSince: number | undefined): Position {
  return changedSince === undefined ? { step: 'all' } : { step: 'changed', at: changedSince };
}

function readCursor(cursor: string): Position {
  const read = position.safeParse(parseJson(cursor));
  if (!read.success) throw new RangeError('This cursor is none of ours.');
  return read.data;
}

function next(position: Position | undefined): { next?: string } {
  return position === undefined ? {} : { next: JSON.stringify(position) };
}

function pageAfter(after: string | undefined): { after?: string } {
  return after === undefined ? {} : { after };
}
