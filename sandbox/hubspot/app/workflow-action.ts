import { randomUUID } from 'node:crypto';
import { Router } from 'express';
import { z } from 'zod';
import { answering, ControlError, ok, readBody } from '../../http.ts';
import { portal } from '../portal.ts';
import type { AppFacts } from './oauth.ts';
import { signV2 } from './signature.ts';

const actionBody = z.strictObject({
  url: z.url(),
  objectId: z.string(),
  inputFields: z.record(z.string(), z.unknown()).default({}),
  callbackId: z.string().optional(),
});

/** Names of the machine itself: a sandbox calls nothing else. */
const loopback: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost']);

/** A workflow of the portal that reaches our action: the execution request of facts/hubspot.md §7, signed with v2. */
export function workflowActionControls(app: AppFacts, written: () => Promise<void>): Router {
  const router = Router();
  router.post(
    '/workflow-action',
    answering(written, async (request) => {
      const { url, objectId, inputFields, callbackId = randomUUID() } = readBody(actionBody, request);
      if (!loopback.has(new URL(url).hostname)) {
        throw new ControlError(400, 'not_loopback', 'The sandbox calls this machine only.');
      }
      const body = JSON.stringify({
        callbackId,
        origin: { portalId: portal.portalId, actionDefinitionId: 1, actionDefinitionVersion: 1 },
        context: { source: 'WORKFLOWS', workflowId: 1 },
        object: { objectId, objectType: 'CONTACT', properties: {} },
        inputFields,
      });
      const answered = await fetch(url, {
        method: 'POST',
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
