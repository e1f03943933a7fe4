import type { Answer } from '../http.ts';
import type { Seen } from '../shared/record.ts';
import { answerError, invalidData, limitExceeded, notFoundUrl, paramMissing, zohoError } from './errors.ts';
import { displayField, isConverted, type Module } from './module.ts';
import type { Asked, Context, Operations } from './operation.ts';
import { binMs, deletedKnownMs, userOf, zohoTime } from './org.ts';
import { createPageTokens } from './page-tokens.ts';
import { toApiValue } from './values.ts';
import type { OrgState } from './org-state.ts';

const fieldsMax = 50;
const perPageMax = 200;
/** How far `page` reaches. docs/vendors/zoho.md §4.3. */
const pagedMax = 2_000;
/** Characters of rich text a list gives. docs/vendors/zoho.md §4.3. */
const listCut = 500;

/** Reads of one, lists, and what was deleted. docs/vendors/zoho.md §4.3, §4.4. */
export function readOperations({ state }: Context): Operations {
  const tokens = createPageTokens(state.clock);

  const list = (asked: Asked, module: Module): Answer => {
    const { query, headers, readAt } = asked;
    const names = fieldsIn(query);
    if (names === undefined) return answerError(paramMissing('fields'));
    if (names.length > fieldsMax) return answerError(limitExceeded(fieldsMax, { param_name: 'fields' }));
    const ids = query.get('ids')?.split(',');
    const { idsMax } = state.rules();
    if (ids !== undefined && ids.length > idsMax)
      return answerError(limitExceeded(idsMax, { param_name: 'ids' }));
    const since = sinceIn(headers['if-modified-since']);
    const shown = converted(query.get('converted') ?? 'false');
    const matches = ({ id, properties }: Seen): boolean =>
      shown(properties) &&
      (ids === undefined || ids.includes(id)) &&
      (since === undefined || Date.parse(properties['Modified_Time'] ?? '') > since);
    const found =
      ids === undefined
        ? module.records.matching(matches, readAt)
        : ids.flatMap((id) => module.records.read('id', id, readAt) ?? []).filter(matches);
    const sorted = sort(found, query.get('sort_by') ?? 'id', query.get('sort_order') ?? 'desc');
    const page = pageOf(asked, sorted, tokens);
    if ('refused' in page) return page.refused;
    if (page.rows.length === 0) return { status: since === undefined ? 204 : 304 };
    const told = { converted: state.rules().convertedContactTold === 'everywhere', cut: listCut };
    return {
      status: 200,
      body: { data: page.rows.map((row) => toApiRecord(state, module, row, names, told)), info: page.info },
    };
  };

  return {
    'GET /{module}': (asked) => {
      if (asked.module === undefined) return answerError(notFoundUrl);
      // docs/vendors/zoho.md §4.7.
      if (asked.module.api_name === 'Notes' && state.rules().profile !== 'Administrator') {
        return answerError(
          zohoError('NO_PERMISSION', 'permission denied', { permissions: ['Crm_Implied_Api_Access'] }, 403),
        );
      }
      return list(asked, asked.module);
    },

    'GET /{module}/{id}': ({ module, ids: [id = ''], query, headers, readAt }) => {
      if (module === undefined) return answerError(notFoundUrl);
      const seen = module.records.read('id', id, readAt);
      if (seen === undefined) return { status: 204 };
      const since = sinceIn(headers['if-modified-since']);
      if (since !== undefined && Date.parse(seen.properties['Modified_Time'] ?? '') <= since)
        return { status: 304 };
      const names = fieldsIn(query) ?? [...module.fields.keys()];
      return {
        status: 200,
        body: { data: [toApiRecord(state, module, seen, names, { converted: true, detail: true })] },
      };
    },

    'GET /{module}/deleted': ({ module, query, headers }) => {
      if (module === undefined) return answerError(notFoundUrl);
      const now = state.clock.now();
      const kind = query.get('type') ?? 'all';
      if (!['all', 'recycle', 'permanent'].includes(kind)) {
        return answerError(invalidData({ api_name: 'type', json_path: '$.type' }));
      }
      const since = sinceIn(headers['if-modified-since']);
      const gone = [...module.records.all()]
        .filter(({ archivedAt = 0 }) => archivedAt !== 0 && now - archivedAt < deletedKnownMs)
        .map((record) => ({ record, at: record.archivedAt ?? 0 }))
        .map(({ record, at }) => ({ record, at, type: now - at < binMs ? 'recycle' : 'permanent' }))
        .filter(({ at, type }) => (kind === 'all' || kind === type) && (since === undefined || at > since))
        .toSorted((a, b) => b.at - a.at);
      const { page, perPage } = placeIn(query);
      const rows = gone.slice((page - 1) * perPage, page * perPage);
      if (rows.length === 0) return { status: since === undefined ? 204 : 304 };
      const data = rows.map(({ record: { id, properties }, at, type }) => ({
        id,
        display_name: properties[displayField(module)] ?? null,
        type,
        deleted_time: zohoTime(at),
        deleted_by: userOf(properties['$deleted_by'] ?? '') ?? null,
        created_by: userOf(properties['Created_By'] ?? '') ?? null,
      }));
      const info = {
        per_page: perPage,
        count: rows.length,
        page,
        more_records: gone.length > page * perPage,
      };
      return { status: 200, body: { data, info } };
    },
  };
}

export function fieldsIn(query: URLSearchParams): string[] | undefined {
  const names = query
    .get('fields')
    ?.split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  return names === undefined || names.length === 0 ? undefined : names;
}

export function placeIn(query: URLSearchParams): { page: number; perPage: number } {
  const page = Math.max(1, Math.trunc(Number(query.get('page') ?? 1)) || 1);
  const perPage = Math.min(
    perPageMax,
    Math.max(1, Math.trunc(Number(query.get('per_page') ?? perPageMax)) || perPageMax),
  );
  return { page, perPage };
}

/** `true`: only converted leads, `both`: them too. docs/vendors/zoho.md §4.3. */
export function converted(asked: string): (values: Seen['properties']) => boolean {
  if (asked === 'both') return () => true;
  return (values) => isConverted(values) === (asked === 'true');
}

function sinceIn(header: string | undefined): number | undefined {
  const at = header === undefined ? Number.NaN : Date.parse(header);
  return Number.isNaN(at) ? undefined : at;
}

function sort(rows: readonly Seen[], by: string, order: string): Seen[] {
  const keyOf = ({ id, properties }: Seen): string | number =>
    by === 'Created_Time' || by === 'Modified_Time' ? Date.parse(properties[by] ?? '') : id;
  const compare = (a: Seen, b: Seen): number => {
    const [x, y] = [keyOf(a), keyOf(b)];
    return x < y ? -1 : x > y ? 1 : a.id < b.id ? -1 : 1;
  };
  return rows.toSorted((a, b) => (order === 'asc' ? compare(a, b) : compare(b, a)));
}

function pageOf(
  { query }: Asked,
  rows: readonly Seen[],
  tokens: ReturnType<typeof createPageTokens>,
): { rows: readonly Seen[]; info: object } | { refused: Answer } {
  const { page: asked, perPage } = placeIn(query);
  const token = query.get('page_token');
  const from = token === null ? (asked - 1) * perPage : tokens.read(token);
  if (from === undefined)
    return {
      refused: answerError(
        zohoError('EXPIRED_VALUE', 'page_token has expired', { param_name: 'page_token' }),
      ),
    };
  if (token === null && from + perPage > pagedMax) {
    return {
      refused: answerError(
        zohoError('DISCRETE_PAGINATION_LIMIT_EXCEEDED', 'use page_token for more than 2000 records', {
          limit: pagedMax,
          param_name: 'page',
        }),
      ),
    };
  }
  const some = rows.slice(from, from + perPage);
  const more = rows.length > from + perPage;
  const page = Math.floor(from / perPage) + 1;
  const next = more ? tokens.make(from + perPage) : undefined;
  return {
    rows: some,
    info: {
      per_page: perPage,
      count: some.length,
      page,
      more_records: more,
      next_page_token: next?.token ?? null,
      previous_page_token: null,
      page_token_expiry: next?.expiry ?? null,
      sort_by: query.get('sort_by') ?? 'id',
      sort_order: query.get('sort_order') ?? 'desc',
    },
  };
}

/** A record as lists, reads and searches tell it. */
export function toApiRecord(
  { nameOf }: Pick<OrgState, 'nameOf'>,
  module: Module,
  { id, properties }: Seen,
  names: readonly string[],
  told: { readonly converted: boolean; readonly detail?: boolean; readonly cut?: number },
): object {
  const record: Record<string, unknown> = {};
  for (const name of names) {
    const field = module.fields.get(name);
    // What is asked for and is not there is left out.
    if (field === undefined || (becameFields.has(name) && !told.converted)) continue;
    record[name] = toApiValue(field, properties, nameOf, told.cut);
  }
  if (module.api_name === 'Leads' && told.detail === true) {
    const name = (of: string, value: string | undefined): object | null =>
      value === undefined ? null : { id: value, name: nameOf(of, value).name };
    record['$converted'] = isConverted(properties);
    if (isConverted(properties)) {
      record['$converted_detail'] = {
        convert_date: properties['Converted_Date_Time'] ?? null,
        contact: name('Contacts', properties['Converted_Contact']),
        account: name('Accounts', properties['Converted_Account']),
        deal: name('Deals', properties['Converted_Deal']),
      };
    }
  }
  return { ...record, id };
}

const becameFields: ReadonlySet<string> = new Set([
  'Converted_Contact',
  'Converted_Account',
  'Converted_Deal',
]);
