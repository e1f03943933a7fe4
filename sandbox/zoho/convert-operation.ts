import { z } from 'zod';
import { byApp, writeOptions } from './actor.ts';
import { convertLead } from './conversion.ts';
import { answerError, isError, toItem, zohoError } from './errors.ts';
import type { Context, Operations } from './operation.ts';
import { userOf } from './org.ts';

const reference = z.union([z.string(), z.looseObject({ id: z.string() }).transform(({ id }) => id)]);
const convertBody = z.object({
  data: z
    .array(
      z.looseObject({
        Contacts: reference.optional(),
        Accounts: reference.optional(),
        Deals: z.record(z.string(), z.unknown()).optional(),
        assign_to: reference.optional(),
      }),
    )
    .max(1)
    .default([]),
});

/** docs/vendors/zoho.md §4.5. */
export function convertOperation(context: Context): Operations {
  const { state } = context;
  return {
    'POST /Leads/{id}/actions/convert': ({ ids: [id = ''], body = {} }) => {
      const read = convertBody.safeParse(body);
      if (!read.success)
        return answerError(zohoError('INVALID_DATA', 'body', { expected_data_type: 'jsonobject' }));
      const [{ Contacts: contactId, Accounts: accountId, Deals: deal, assign_to: ownerId } = {}] =
        read.data.data;
      if (ownerId !== undefined && userOf(ownerId) === undefined) {
        return answerError(
          zohoError('INVALID_DATA', 'invalid data', {
            api_name: 'assign_to',
            json_path: '$.data[0].assign_to',
          }),
        );
      }
      const became = convertLead(
        context,
        id,
        { contactId, accountId, deal, ownerId },
        byApp(writeOptions.parse({})),
      );
      if (isError(became)) {
        return 'resource_path_index' in became.details
          ? answerError(became)
          : { status: became.httpStatus, body: { data: [toItem(became)] } };
      }
      const named = (module: string, one: string | undefined): object | null =>
        one === undefined ? null : { id: one, name: state.nameOf(module, one).name };
      const details = {
        Contacts: named('Contacts', became.contactId),
        Accounts: named('Accounts', became.accountId),
        Deals: named('Deals', became.dealId),
      };
      const message = 'The record has been converted successfully';
      return { status: 200, body: { data: [{ code: 'SUCCESS', details, message, status: 'success' }] } };
    },
  };
}
