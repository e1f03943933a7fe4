import type { AccountChanges } from '@sangam/core/crm';
import { z } from 'zod';
import { parseJson } from '../shared/json.ts';
import { readHubspotChanges } from './changes.ts';

const id = z.union([z.string().min(1), z.number()]).transform(String);

/** An action's execution request, docs/vendors/hubspot.md §7. */
const execution = z.looseObject({
  callbackId: z.string().min(1),
  origin: z.looseObject({ portalId: id }),
  object: z.looseObject({ objectId: id }),
  inputFields: z.record(z.string(), z.unknown()).default({}),
});

/** What is kept of an execution: the request names its action only in its address, and its time nowhere. */
const envelope = z.object({ action: z.string(), at: z.number(), request: z.unknown() });

/** A workflow action's execution, as it is kept and replayed; undefined: the body is none. `at`: its receipt. */
export function keptExecution(action: string, body: Buffer, at: number): Buffer | undefined {
  const request = parseJson(body.toString('utf8'));
  return execution.safeParse(request).success
    ? Buffer.from(JSON.stringify({ action, at, request }))
    : undefined;
}

/**
 * The changes a kept body speaks of. An execution is a change of the field `workflow:<action>`; its value carries the
 * `callbackId`, by which repeats of one execution are known.
 */
export function readKept(body: Buffer): readonly AccountChanges[] {
  const kept = envelope.safeParse(parseJson(body.toString('utf8')));
  if (!kept.success) return readHubspotChanges(body).accounts;
  const request = execution.safeParse(kept.data.request);
  if (!request.success) return [];
  const { callbackId, origin, object, inputFields } = request.data;
  return [
    {
      account: origin.portalId,
      changes: [
        {
          kind: 'field',
          recordId: object.objectId,
          at: kept.data.at,
          field: `workflow:${kept.data.action}`,
          value: JSON.stringify({ callbackId, inputFields }),
          by: 'workflow',
        },
      ],
    },
  ];
}
