import { type Request, Router } from 'express';
import { z } from 'zod';
import type { Calls } from './calls.ts';
import type { SandboxClock } from './clock.ts';
import type { CrmSimulator, Offered, UserRecords, Refused, UserRecord } from './crm.ts';
import { type Faults, faultSchema } from './faults.ts';
import { type Answer, answering, ControlError, ok, readBody, readInput } from './http.ts';

const clockBody = z.strictObject({ advanceMs: z.number().min(0) });

export function clockRoutes(clock: SandboxClock, written: () => Promise<void>): Router {
  const router = Router();
  router.put(
    '/clock',
    answering(written, (request) => {
      clock.advance(readBody(clockBody, request).advanceMs);
      return ok({ now: clock.now() });
    }),
  );
  return router;
}

const recordBody = z.looseObject({ properties: z.record(z.string(), z.unknown()) });
const mergeBody = z.strictObject({ primaryId: z.string(), mergedId: z.string() });
const page = z.object({
  limit: z.coerce.number().int().min(1).optional(),
  after: z.string().optional(),
});

/** The control routes every CRM has. */
export function crmControls({
  crm,
  calls,
  faults,
  written,
}: {
  crm: CrmSimulator;
  calls: Calls;
  faults: Faults;
  written: () => Promise<void>;
}): Router {
  const router = Router();
  const does = (handler: (request: Request) => Answer) => answering(written, handler);

  router.get(
    '/records/:type',
    does((request) => ok({ results: userRecordsOf(crm, request).list(readInput(page, request.query)) })),
  );
  router.post(
    '/records/:type',
    does((request) => {
      const made = userRecordsOf(crm, request).create(readBody(recordBody, request).properties);
      return { status: 201, body: unlessRefused(made) };
    }),
  );
  router.get(
    '/records/:type/:id',
    does((request) => ok(orMissing(userRecordsOf(crm, request).get(idOf(request))))),
  );
  router.patch(
    '/records/:type/:id',
    does((request) => {
      const { properties } = readBody(recordBody, request);
      return ok(unlessRefused(orMissing(userRecordsOf(crm, request).update(idOf(request), properties))));
    }),
  );
  router.delete(
    '/records/:type/:id',
    does((request) => {
      if (!userRecordsOf(crm, request).remove(idOf(request))) throw missing();
      return { status: 204 };
    }),
  );
  router.post(
    '/records/:type/merge',
    does((request) => {
      const merge = unlessMissing(userRecordsOf(crm, request).merge);
      const { primaryId, mergedId } = readBody(mergeBody, request);
      return ok(unlessRefused(orMissing(merge(primaryId, mergedId))));
    }),
  );
  for (const act of ['restore', 'convert'] as const) {
    router.post(
      `/records/:type/:id/${act}`,
      does((request) => {
        const does = unlessMissing(userRecordsOf(crm, request)[act]);
        return ok(unlessRefused(orMissing(does(idOf(request)))));
      }),
    );
  }
  router.use(callControls({ calls, faults, written, hears: (lag) => crm.keepPast(lag) }));
  router.use(crm.controls);
  return router;
}

/** What every vendor's API has: how often it was called, and what goes wrong with it. */
export function callControls({
  calls,
  faults,
  written,
  hears,
}: {
  calls: Calls;
  faults: Faults;
  written: () => Promise<void>;
  /** Whether reads are to lag from now on. */
  hears?: (readsLag: boolean) => void;
}): Router {
  const router = Router();
  router.get(
    '/calls',
    answering(written, () => ok(calls.read())),
  );
  router.delete(
    '/calls',
    answering(written, () => {
      calls.reset();
      return ok(calls.read());
    }),
  );
  router.put(
    '/faults',
    answering(written, (request) => {
      const fault = readBody(faultSchema, request);
      hears?.(fault.readLagMs !== undefined);
      faults.set(fault);
      return ok(faults.current());
    }),
  );
  return router;
}

function userRecordsOf(crm: CrmSimulator, request: Request): UserRecords {
  const type = String(request.params['type']);
  const records = Object.hasOwn(crm.userRecords, type) ? crm.userRecords[type] : undefined;
  if (records !== undefined) return records;
  const known = Object.keys(crm.userRecords).join(', ');
  throw new ControlError(404, 'no_such_type', `${crm.name} has no records of this type here, only ${known}.`);
}

/** Throws `ControlError` 501 with the CRM's reason. */
function unlessMissing<Act>(offered: Offered<Act>): Act {
  if (typeof offered === 'string') throw new ControlError(501, 'not_in_this_crm', offered);
  return offered;
}

function idOf(request: Request): string {
  return String(request.params['id']);
}

function orMissing<Found>(found: Found | undefined): Found {
  if (found === undefined) throw missing();
  return found;
}

function unlessRefused(made: UserRecord | Refused): UserRecord {
  if ('refused' in made) throw new ControlError(made.refused.status, 'refused_by_crm', made.refused.message);
  return made;
}

function missing(): ControlError {
  return new ControlError(404, 'no_such_record', 'There is no such record.');
}
