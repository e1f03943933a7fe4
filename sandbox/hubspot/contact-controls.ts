import { Router } from 'express';
import { z } from 'zod';
import { type Answer, answering, ControlError, ok, readBody } from '../http.ts';
import { isError } from './catalogue.ts';
import { byUser } from './change-sources.ts';
import { eraseContact } from './erase-contact.ts';
import type { HubspotError } from './errors.ts';
import type { StoredRecord } from './record.ts';
import type { Portal } from './record-context.ts';
import { timelineOf } from './timeline.ts';

const mergeBody = z.strictObject({ primaryId: z.string(), mergedId: z.string() });
const manyBody = z.strictObject({
  records: z.array(z.looseObject({ properties: z.record(z.string(), z.unknown()) })).min(1),
});

/** What a user does with contacts beyond reading and writing them. */
export function contactControls(portal: Portal, written: () => Promise<void>): Router {
  const { records } = portal.contacts;
  const router = Router();

  const told = (made: StoredRecord | HubspotError): Answer => {
    if (isError(made)) throw refusedByCrm(made);
    const { id, properties } = made;
    return ok({ id, properties, timeline: timelineOf(portal, id) });
  };

  router.post(
    '/records/contacts/batch',
    answering(written, (request) => {
      const writing = records.writing(byUser);
      const ids = readBody(manyBody, request).records.map(({ properties }) => {
        const draft = writing.draft(undefined, properties);
        if (isError(draft)) throw refusedByCrm(draft);
        return draft.id;
      });
      writing.commit();
      return { status: 201, body: { ids } };
    }),
  );
  router.post(
    '/records/contacts/merge',
    answering(written, (request) => {
      const { primaryId, mergedId } = readBody(mergeBody, request);
      return told(records.merge(primaryId, mergedId, byUser));
    }),
  );
  router.post(
    '/records/contacts/:id/restore',
    answering(written, (request) => told(records.restore(String(request.params['id']), byUser))),
  );
  router.post(
    '/records/contacts/:id/privacy-deletion',
    answering(written, (request) => {
      if (!eraseContact(portal, String(request.params['id']), byUser)) {
        throw new ControlError(404, 'no_such_record', 'There is no such record.');
      }
      return { status: 204 };
    }),
  );
  return router;
}

function refusedByCrm({ status, message }: HubspotError): ControlError {
  return status === 404
    ? new ControlError(404, 'no_such_record', 'There is no such record.')
    : new ControlError(status, 'refused_by_crm', message);
}
