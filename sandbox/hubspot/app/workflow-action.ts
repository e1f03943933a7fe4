import { randomUUID } from 'node:crypto';
import { Router } from 'express';
import { z } from 'zod';
import type { MustBeTarget } from '../../targets.ts';
import { answering, ok, readBody } from '../../http.ts';
import { portal } from '../portal.ts';
import type { AppFacts } from './install.ts';
import { signV2 } from './signature.ts';

/** How long an action may take to answer. From memory, docs/vendors/hubspot.md §7. */
const answerMs = 30_000;

const actionBody = z.strictObject({
  url: z.url(),
  objectId: z.string(),
  inputFields: z.record(z.string(), z.unknown()).default({}),
  callbackId: z.string().optional(),
});

/**
 * A workflow of the portal that reaches our action: the execution request of docs/vendors/hubspot.md §7, signed with
 * v2.
 */
export function workflowActionControls(
  app: AppFacts,
  mustBeTarget: MustBeTarget,
  written: () => Promise<void>,
): Router {
  const router = Router();
  router.post(
    '/workflow-action',
    answering(written, async (request) => {
      const { url, objectId, inputFields, callbackId = randomUUID() } = readBody(actionBody, request);
      mustBeTarget(url);
      const body = JSON.stringify({
        callbackId,
        origin: { portalId: portal.portalId, actionDefinitionId: 1, actionDefinitionVersion: 1 },
        context: { source: 'WORKFLOWS', workflowId: 1 },
        object: { objectId, objectType: 'CONTACT', properties: {} },
        inputFields,
      });
      const answered = await fetch(url, {
        method: 'POST',
        redirect: 'manual',
        signal: AbortSignal.timeout(answerMs),
        body,
        headers: {
          'content-type': 'application/json',
          ...signV2(app.clientSecret, { method: 'POST', url, body }),
        },
      });
      return ok({ status: answered.status, body: await answered.text() });
    }),
  );
  return router;
}
