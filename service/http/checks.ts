import { type Response, Router } from 'express';
import { z } from 'zod';
import type { Clock } from '@sangam/core/clock';
import {
  type Checker,
  type Connectors,
  readReport,
  type RecordGroup,
  reportSections,
} from '@sangam/core/pipeline';
import { type CheckRow, connectionOf, lastCheck, type Store } from '@sangam/core/store';
import { toCsv } from '../csv.ts';
import type { MemberLocals } from './admin.ts';
import { answerError, readBody } from './errors.ts';

type Answer = Response<unknown, MemberLocals>;

const reportQuery = z.object({
  section: z.enum(reportSections),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
  after: z.coerce.number().int().min(0).default(0),
});
const csvQuery = z.object({ section: z.enum(reportSections) });
/** Rows of one CSV. */
const mostRows = 100_000;

/** Check my CRM: a look through a whole account that reads only, and what it found. */
export function checkRoutes(dependencies: {
  store: Store;
  clock: Clock;
  connectors: Connectors;
  checker: Checker;
}): Router {
  const { store, clock, connectors, checker } = dependencies;
  const router = Router();

  const missing = (response: Answer): void =>
    answerError(response, 404, 'no_such_connection', 'There is no such connection.');

  router.post('/:connectionId/check', async (request, response: Answer) => {
    const known = z.uuid().safeParse(request.params.connectionId);
    const check = known.success ? await checker.start(response.locals.member, known.data) : undefined;
    if (check === undefined) missing(response);
    else response.status(202).json(viewOf(check));
  });
  router.delete('/:connectionId/check', async (request, response: Answer) => {
    const known = z.uuid().safeParse(request.params.connectionId);
    const stopped = known.success && (await checker.stop(response.locals.member, known.data));
    if (stopped) response.status(204).end();
    else answerError(response, 404, 'no_check', 'No check is running.');
  });
  router.get('/:connectionId/check', async (request, response: Answer) => {
    const known = z.uuid().safeParse(request.params.connectionId);
    const check = known.success
      ? await store.transact(response.locals.member.workspaceId, (trx) => lastCheck(trx, known.data))
      : undefined;
    if (check === undefined)
      answerError(response, 404, 'no_check', 'Nobody has looked through this account yet: start a check.');
    else response.json(viewOf(check));
  });

  const report = async (
    response: Answer,
    connectionId: string,
    section: (typeof reportSections)[number],
    page: { limit: number; after: number },
  ) => {
    const known = z.uuid().safeParse(connectionId);
    const { workspaceId } = response.locals.member;
    const connection = known.success
      ? await store.transact(workspaceId, (trx) => connectionOf(trx, known.data))
      : undefined;
    if (connection === undefined) {
      missing(response);
      return undefined;
    }
    const connector = await connectors.of(connection);
    const found = await readReport({ store, clock, connector, connection }, section, page);
    if (found === undefined)
      answerError(response, 404, 'no_check', 'Nobody has looked through this account yet: start a check.');
    return found;
  };
  router.get('/:connectionId/check/report', async (request, response: Answer) => {
    const query = readBody(reportQuery, request.query, response);
    if (query === undefined) return;
    const found = await report(response, request.params.connectionId, query.section, query);
    if (found !== undefined) response.json(found);
  });
  router.get('/:connectionId/check/report.csv', async (request, response: Answer) => {
    const query = readBody(csvQuery, request.query, response);
    if (query === undefined) return;
    const { connectionId } = request.params;
    const found = await report(response, connectionId, query.section, { limit: mostRows, after: 0 });
    if (found === undefined) return;
    response
      .type('text/csv')
      .set('Content-Disposition', `attachment; filename="${query.section.replaceAll(' ', '-')}.csv"`)
      .send(toCsv(linesOf(found.results)));
  });
  return router;
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
  return {
    state,
    records,
    startedAt: new Date(startedAt).toISOString(),
    finishedAt: finishedAt === null ? null : new Date(finishedAt).toISOString(),
    problem,
  };
}
