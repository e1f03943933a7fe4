import { Router } from 'express';
import { z } from 'zod';
import { answering, ControlError, readBody } from '../http.ts';
import { isError } from './catalogue.ts';
import { byUser } from './changes.ts';
import { eraseContact } from './contact-operations.ts';
import type { Portal } from './record-context.ts';

const manyBody = z.strictObject({
  records: z.array(z.looseObject({ properties: z.record(z.string(), z.unknown()) })).min(1),
});

/** What a user does with contacts beyond what every CRM has. */
export function contactControls(portal: Portal, written: () => Promise<void>): Router {
  const { records } = portal.contacts;
  const router = Router();

  router.post(
    '/records/contacts/batch',
    answering(written, (request) => {
      const writing = records.writing(byUser);
      const ids = readBody(manyBody, request).records.map(({ properties }) => {
        const draft = writing.draft(undefined, properties);
        if (isError(draft)) throw new ControlError(draft.status, 'refused_by_crm', draft.message);
        return draft.id;
      });
      writing.commit();
      return { status: 201, body: { ids } };
    }),
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
