import { Router } from 'express';
import { z } from 'zod';
import type { SandboxClock } from '../clock.ts';
import { answering, ControlError, ok, readBody, readInput } from '../http.ts';
import { type Cases, caseSchema } from './cases.ts';
import { type Conversations, messageStatuses } from './conversations.ts';
import type { Delivery } from './delivery.ts';
import { type Fates, heldOutcomes } from './fates.ts';
import { newWamid, toWaId } from './ids.ts';
import type { Requests } from './requests.ts';
import { statusItem } from './status.ts';

const statusBody = z.object({
  wamid: z.string().min(1).optional(),
  to: z.string().optional(),
  userId: z.string().min(1).optional(),
  status: z.string().min(1),
  errors: z.array(z.unknown()).optional(),
});

const heldBody = z.strictObject({ wamid: z.string().optional(), outcome: z.enum(heldOutcomes) });
const requestsQuery = z.object({ after: z.coerce.number().int().min(0).default(0) });

/** What happens to what the business sends, and what was seen of it. */
export function sendingControls(options: {
  clock: SandboxClock;
  conversations: Conversations;
  delivery: Pick<Delivery, 'queue'>;
  cases: Cases;
  fates: Fates;
  requests: Requests;
  written: () => Promise<void>;
}): Router {
  const { clock, conversations, delivery, cases, fates, requests, written } = options;
  const router = Router();

  router.post(
    '/statuses',
    answering(written, (request) => {
      const { wamid = newWamid(), to, userId, status, errors } = readBody(statusBody, request);
      const known = conversations.get(wamid);
      const phone = to === undefined ? undefined : toWaId(to);
      const named = phone === undefined && userId === undefined ? known : { phone, userId };
      if (named?.phone === undefined && named?.userId === undefined) {
        throw new ControlError(
          400,
          'nobody',
          'Of a message the sandbox does not know, to or userId is needed.',
        );
      }
      const ids = { phone: named.phone, userId: named.userId };
      const person = {
        ...conversations.people.find(ids),
        ...(ids.phone === undefined ? {} : { phone: ids.phone }),
        ...(ids.userId === undefined ? {} : { userId: ids.userId }),
      };
      const ladder = messageStatuses.find((step) => step === status);
      if (ladder !== undefined) conversations.setStatus(wamid, ladder);
      const { to: sentTo = ids.phone === undefined ? 'userId' : 'phone', ...repeated } = known?.sent ?? {};
      delivery.queue(statusItem({ wamid, status, at: clock.now(), to: person, sentTo, ...repeated, errors }));
      return ok({ wamid });
    }),
  );

  router.get(
    '/cases',
    answering(written, () => ok({ results: cases.all() })),
  );
  router.put(
    '/cases',
    answering(written, (request) => {
      cases.put(readBody(caseSchema, request));
      return ok({ results: cases.all() });
    }),
  );
  router.delete(
    '/cases',
    answering(written, () => {
      cases.clear();
      return ok({ results: cases.all() });
    }),
  );

  router.get(
    '/held',
    answering(written, () => ok({ results: fates.held() })),
  );
  router.post(
    '/held',
    answering(written, (request) => {
      const { wamid, outcome } = readBody(heldBody, request);
      const settled = (wamid === undefined ? fates.held() : [wamid]).filter((one) =>
        fates.settle(one, outcome),
      );
      return ok({ settled });
    }),
  );

  router.get(
    '/requests',
    answering(written, (request) => ok(requests.after(readInput(requestsQuery, request.query).after))),
  );
  router.delete(
    '/requests',
    answering(written, () => {
      requests.clear();
      return ok(requests.after(0));
    }),
  );

  return router;
}
