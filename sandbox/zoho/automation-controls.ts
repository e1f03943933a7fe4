import { Router } from 'express';
import { z } from 'zod';
import { answering, ControlError, ok, readBody } from '../http.ts';
import type { MustBeTarget } from '../targets.ts';
import type { Automation } from './automation.ts';
import { lockSchema, type OrgState } from './org-state.ts';

const functionBody = z.strictObject({
  url: z.url(),
  secret: z.string().min(1),
  body: z.string(),
  signatureHeader: z.string().min(1),
  timestampHeader: z.string().min(1),
});

/** What an admin and people of the org do that no API tells: functions, locks, and what automations ran. */
export function automationControls(
  state: OrgState,
  automation: Automation,
  mustBeTarget: MustBeTarget,
  written: () => Promise<void>,
): Router {
  const router = Router();
  router.get(
    '/automations',
    answering(written, () => ok({ results: automation.runs })),
  );
  router.delete(
    '/automations',
    answering(written, () => {
      automation.runs.length = 0;
      return { status: 204 };
    }),
  );
  router.put(
    '/functions/:name',
    answering(written, (request) => {
      const given = readBody(functionBody, request);
      mustBeTarget(given.url);
      const name = String(request.params['name']);
      const known = [...automation.functions.values()].find((one) => one.name === name);
      const id = known?.id ?? state.takeMetadataId();
      automation.put({ kind: 'function', made: { id, name, ...given } });
      return ok({ id });
    }),
  );
  router.put(
    '/locks/:id',
    answering(written, (request) => {
      const id = String(request.params['id']);
      if (![...state.modules.values()].some(({ records }) => records.find('id', id) !== undefined)) {
        throw new ControlError(404, 'no_such_record', 'There is no such record.');
      }
      state.lock(id, readBody(lockSchema, request));
      return ok(state.locks.get(id));
    }),
  );
  router.delete(
    '/locks/:id',
    answering(written, (request) => {
      state.lock(String(request.params['id']), undefined);
      return { status: 204 };
    }),
  );
  return router;
}
