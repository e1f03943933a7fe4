import { z } from 'zod';
import type { Clock } from '@sangam/core/clock';
import {
  type Checker,
  findingSections,
  mustHaveCheck,
  readFindings,
  readUnreadableNumbers,
  type RecordGroup,
} from '@sangam/core/pipeline';
import { type Connectors } from '@sangam/core/work';
import { type CheckRow, connectionOf, type ConnectionRow, type Store } from '@sangam/core/store';
import { noSuch } from '@sangam/core/errors';
import { toCsv } from '../csv.ts';
import { type Answer, type Route, route } from './api.ts';
import { idOf, queryOf } from './input.ts';
import { listQuery, pageOf, pageOfAll } from './paging.ts';
import { iso } from './times.ts';

const unreadable = z.literal('unreadable numbers');
const reportQuery = z.discriminatedUnion('section', [
  listQuery(z.tuple([z.string(), z.string(), z.number().int()]), { section: unreadable }),
  listQuery(z.number().int().min(0), { section: z.enum(findingSections) }),
]);
const csvQuery = z.strictObject({ section: z.enum([unreadable.value, ...findingSections]) });
/** Rows of one CSV. */
const mostRows = 100_000;

/** Check my CRM: a look through a whole account that reads only, and what it found. */
export function checkRoutes(dependencies: {
  store: Store;
  clock: Clock;
  connectors: Connectors;
  checker: Checker;
}): Route[] {
  const { store, clock, connectors, checker } = dependencies;

  const asked = async (connectionId: string, response: Answer): Promise<ConnectionRow> => {
    const { workspaceId } = response.locals.member;
    const connection = await store.transact(workspaceId, (trx) => connectionOf(trx, connectionId));
    if (connection === undefined) throw noSuch('connection');
    return connection;
  };
  const findings = async (
    connection: ConnectionRow,
    section: (typeof findingSections)[number],
  ): Promise<readonly object[]> =>
    readFindings({ store, clock, connector: await connectors.of(connection), connection }, section);

  return [
    route('POST', '/connections/:connectionId/check', 'admin', async (request, response) => {
      const check = await checker.start(response.locals.member, idOf(request, 'connectionId'));
      response.status(202).json(viewOf(check));
    }),
    route('DELETE', '/connections/:connectionId/check', 'admin', async (request, response) => {
      await checker.stop(response.locals.member, idOf(request, 'connectionId'));
      response.status(204).end();
    }),
    route('GET', '/connections/:connectionId/check', 'admin', async (request, response) => {
      const connectionId = idOf(request, 'connectionId');
      const { workspaceId } = await asked(connectionId, response);
      response.json(viewOf(await store.transact(workspaceId, (trx) => mustHaveCheck(trx, connectionId))));
    }),
    route('GET', '/connections/:connectionId/check/report', 'admin', async (request, response) => {
      const connectionId = idOf(request, 'connectionId');
      const query = queryOf(reportQuery, request);
      const connection = await asked(connectionId, response);
      const answer =
        query.section === 'unreadable numbers'
          ? await pageOf(query, {
              rows: (page) => readUnreadableNumbers(store, connection, page),
              keyOf: ({ recordId, field, part }) => [recordId, field, part],
              viewOf: (row) => row,
            })
          : pageOfAll(await findings(connection, query.section), query);
      response.json(answer);
    }),
    route('GET', '/connections/:connectionId/check/report.csv', 'admin', async (request, response) => {
      const connectionId = idOf(request, 'connectionId');
      const { section } = queryOf(csvQuery, request);
      const connection = await asked(connectionId, response);
      const rows =
        section === 'unreadable numbers'
          ? await readUnreadableNumbers(store, connection, { limit: mostRows })
          : (await findings(connection, section)).slice(0, mostRows);
      response
        .type('text/csv')
        .set('Content-Disposition', `attachment; filename="${section.replaceAll(' ', '-')}.csv"`)
        .send(toCsv(linesOf(rows)));
    }),
  ];
}

/** In a spreadsheet a record has a line of its own; those that stand for one person share its number. */
function linesOf(rows: readonly object[]): object[] {
  return rows.flatMap((row, index) =>
    isGroup(row)
      ? row.records.map((record) => ({ person: String(index + 1), ...record, phones: row.phones }))
      : [row],
  );
}

function isGroup(row: object): row is RecordGroup {
  return 'records' in row;
}

function viewOf({ state, records, startedAt, finishedAt, problem }: CheckRow): object {
  return { state, records, startedAt: iso(startedAt), finishedAt: iso(finishedAt), problem };
}
