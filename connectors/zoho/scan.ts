import type { CrmDeal, Priority, ScanPage } from '@sangam/core/crm';
import { SangamError } from '@sangam/core/errors';
import { z } from 'zod';
import { parseJson } from '../shared/json.ts';
import { incomplete } from '../shared/outcomes.ts';
import type { ZohoAccount } from './account.ts';
import { usualNames } from './account-facts.ts';
import { allOf, anyOf, queryPage, quoted, type ZohoRecord } from './coql.ts';
import { type Refusal, refusalError } from './errors.ts';
import { personModules, recordIdOf } from './modules.ts';
import { contactOf, queryRecords } from './read.ts';
import { convertedLeads, deletedRecords } from './record-api.ts';
import { fromJson, readInstant, valuesIn, writtenTime } from './values.ts';
import { convertedPageSize, pagedMost, vendor } from './vendor.ts';

/**
 * Where a look goes on: what has become contacts goes first, so that none is taken for a second record of anybody, then the
 * records, the deleted ones, and deals. All but the deleted ones are gone through by time and id, or by one of them: page tokens
 * are one user's and die in a day. docs/vendors/zoho.md §4.3, §4.4, §5.2
 */
const since = z.number().exactOptional();
const position = z.discriminatedUnion('step', [
  z.object({
    step: z.literal('converted'),
    since,
    /** Milliseconds of the last change seen: pages go on from it. */
    after: z.number().exactOptional(),
    page: z.number(),
    /** Of more within one second than pages reach: where the next one is. */
    token: z.string().exactOptional(),
  }),
  z.object({
    step: z.enum([...personModules, 'Deals']),
    since,
    /** Milliseconds and id of the last one seen. */
    after: z.object({ at: z.number(), id: z.string() }).exactOptional(),
  }),
  z.object({ step: z.literal('deleted'), of: z.enum(personModules), since: z.number(), page: z.number() }),
]);
type Position = z.infer<typeof position>;
type At<Step extends Position['step']> = Extract<Position, { readonly step: Step }>;
type Listed = Exclude<Position, { readonly step: 'converted' | 'deleted' }>;
type Since = { readonly since?: number };

interface Look {
  readonly account: ZohoAccount;
  readonly fields: readonly string[];
  readonly priority: Priority;
}

const dealFields = ['Contact_Name', ...usualNames.followedDealFields];

type Page = Partial<Omit<ScanPage, 'next'>> & { readonly next: Position | undefined };

export async function scanPage(
  account: ZohoAccount,
  from: { readonly cursor?: string; readonly changedSince?: number },
  fields: readonly string[],
  priority: Priority,
): Promise<ScanPage> {
  const look: Look = { account, fields, priority };
  const here = from.cursor === undefined ? startOf(from.changedSince) : readCursor(from.cursor);
  const { next, ...found } = await pageAt(look, here);
  return {
    records: [],
    gone: [],
    merged: [],
    ...found,
    ...(next === undefined ? {} : { next: JSON.stringify(next) }),
  };
}

function pageAt(look: Look, here: Position): Promise<Page> {
  switch (here.step) {
    case 'converted':
      return scanConverted(look, here);
    case 'Contacts':
    case 'Leads':
      return scanRecords(look, here.step, here);
    case 'deleted':
      return scanDeleted(look, here);
    case 'Deals':
      return scanDeals(look, here);
  }
}

async function scanConverted({ account, priority }: Look, here: At<'converted'>): Promise<Page> {
  const { page, after, token, since: from } = here;
  const found = await convertedLeads(account.client, here, after ?? from, priority);
  // Its day is over: that second is begun anew.
  if (found === undefined) return { next: placedAfter(here, after) };
  const { records, more } = found;
  const merged: ScanPage['merged'][number][] = [];
  for (const lead of records) {
    const contact = await contactOf(account, lead, priority);
    if (contact === undefined) continue;
    const told = [lead['Converted_Date_Time'], lead['Modified_Time']].map((time) =>
      readInstant(fromJson(time)),
    );
    const at = told.find((time) => !Number.isNaN(time));
    if (at === undefined) throw incomplete(vendor);
    merged.push({ recordId: recordIdOf('Leads', lead.id), into: recordIdOf('Contacts', contact), at });
  }
  if (!more) return { merged, next: { step: 'Contacts', ...sinceOf(here) } };
  if (token === undefined && (page + 1) * convertedPageSize <= pagedMost)
    return { merged, next: { ...here, page: page + 1 } };
  const { at } = placeOf(records);
  if (at !== after) return { merged, next: placedAfter(here, at) };
  return found.token === undefined
    ? { merged, incomplete: true, next: placedAfter(here, at + 1_000) }
    : { merged, next: { ...here, token: found.token } };
}

function placedAfter(here: At<'converted'>, after: number | undefined): At<'converted'> {
  return { step: 'converted', page: 1, ...sinceOf(here), ...(after === undefined ? {} : { after }) };
}

async function scanRecords(look: Look, module: 'Contacts' | 'Leads', here: Listed): Promise<Page> {
  const { account, fields, priority } = look;
  const query = { module, ...conditionOf(here), ...sizeOf(here) };
  const { records, rows } = await queryRecords(account, query, fields, priority);
  return {
    records,
    next: rows.more ? { ...here, after: placeOf(rows.records) } : afterRecords(module, here),
  };
}

function afterRecords(module: 'Contacts' | 'Leads', here: Since): Position {
  if (module === 'Contacts') return { step: 'Leads', ...sinceOf(here) };
  // Of a look at everything what is not seen is gone.
  return here.since === undefined
    ? { step: 'Deals' }
    : { step: 'deleted', of: personModules[0], since: here.since, page: 1 };
}

async function scanDeleted({ account, priority }: Look, here: At<'deleted'>): Promise<Page> {
  const { of, since: from, page } = here;
  const { deleted, more, cut } = await deletedRecords(account.client, of, page, from, priority);
  const gone = deleted.map(({ id, at }) => ({ recordId: recordIdOf(of, id), at }));
  if (more) return { gone, next: { ...here, page: page + 1 } };
  const following = personModules[personModules.indexOf(of) + 1];
  return {
    gone,
    ...(cut === undefined ? {} : { incomplete: cut }),
    next:
      following === undefined
        ? { step: 'Deals', since: from }
        : { step: 'deleted', of: following, since: from, page: 1 },
  };
}

/** Who may not see deals, or their people or stages, is told nothing of them. */
async function scanDeals({ account, priority }: Look, here: Listed): Promise<Page> {
  const { where, orderBy } = conditionOf(here);
  const columns = ['id', ...dealFields, 'Modified_Time'];
  const query = {
    module: 'Deals',
    columns,
    where: allOf([where, 'Contact_Name is not null']),
    orderBy,
    ...sizeOf(here),
  };
  const answer = await queryPage(account.client, query, priority);
  if (!answer.ok) {
    if (await seesDeals(account, answer.refusal)) throw refusalError(answer.refusal);
    return { next: undefined };
  }
  const { records, more } = answer.body;
  const deals = records.flatMap((deal): CrmDeal[] => {
    const person = fromJson(deal['Contact_Name']);
    const changedAt = readInstant(fromJson(deal['Modified_Time']));
    return person === ''
      ? []
      : [
          {
            dealId: deal.id,
            personRecordId: recordIdOf('Contacts', person),
            values: valuesIn(deal, usualNames.followedDealFields),
            ...(Number.isNaN(changedAt) ? {} : { changedAt }),
          },
        ];
  });
  return { deals, next: more ? { ...here, after: placeOf(records) } : undefined };
}

/** A field a profile hides is as one that is not there. docs/vendors/zoho.md §5.2 */
async function seesDeals({ schema }: ZohoAccount, { code }: Refusal): Promise<boolean> {
  if (code !== 'query_refused') return code !== 'missing_scope' && code !== 'no_such_module';
  schema.forget();
  const there = await schema.of('Deals');
  return dealFields.every((name) => there.has(name));
}

/** What comes after those seen: by the time of the change where changes are asked for, else by id. */
function conditionOf({
  since: from,
  after,
}: Since & { readonly after?: { readonly at: number; readonly id: string } }): {
  readonly where: string;
  readonly orderBy: string;
} {
  if (from === undefined) return { where: `id > ${quoted(after?.id ?? '0')}`, orderBy: 'id' };
  const orderBy = 'Modified_Time, id';
  if (after === undefined) return { where: `Modified_Time >= ${timeOf(from)}`, orderBy };
  const at = timeOf(after.at);
  const sameTime = allOf([`Modified_Time = ${at}`, `id > ${quoted(after.id)}`]);
  return { where: anyOf([`Modified_Time > ${at}`, sameTime]), orderBy };
}

/** A look at changes mostly finds few; a look at everything, and what follows a full page, is many. */
function sizeOf({ since: from, after }: Since & { readonly after?: unknown }): { page?: 'large' } {
  return from === undefined || after !== undefined ? { page: 'large' } : {};
}

function placeOf(records: readonly ZohoRecord[]): { at: number; id: string } {
  const last = records.at(-1);
  const at = readInstant(fromJson(last?.['Modified_Time']));
  if (last === undefined || Number.isNaN(at)) throw incomplete(vendor);
  return { at, id: last.id };
}

function timeOf(at: number): string {
  const written = writtenTime(at);
  if (written === undefined) {
    throw new SangamError({ code: 'bad_time', origin: 'us', retry: 'never', message: 'This is no time.' });
  }
  return quoted(written);
}

function sinceOf({ since: from }: Since): Since {
  return from === undefined ? {} : { since: from };
}

function startOf(changedSince: number | undefined): Position {
  return {
    step: 'converted',
    page: 1,
    ...(changedSince === undefined ? {} : { since: changedSince }),
  };
}

function readCursor(cursor: string): Position {
  const read = position.safeParse(parseJson(cursor));
  if (!read.success) throw new RangeError('This cursor is none of ours.');
  return read.data;
}
