import { z } from 'zod';
import { type Answer, ok } from '../http.ts';
import { badToken, unknownNode } from './graph-errors.ts';

/** What the sandbox's Graph tells of its number, under the names OpenAPI v23 gives these fields. */
export interface Numbers {
  /** `GET /{WABA id}/phone_numbers` */
  list(request: GraphRead): Answer;
  /** `GET /{phone number id}` */
  read(request: GraphRead): Answer;
}

export interface GraphRead {
  readonly authorization: string | undefined;
  /** The node that is read. */
  readonly id: string;
  readonly query: unknown;
}

/** What is told where no `fields` are named. */
const defaultFields = [
  'verified_name',
  'code_verification_status',
  'display_phone_number',
  'quality_rating',
  'id',
];
const fieldsQuery = z.looseObject({ fields: z.string().optional() });

export function createNumbers(options: {
  phoneNumberId: string;
  wabaId: string;
  displayPhoneNumber: string;
  accessToken: string;
}): Numbers {
  const number: Readonly<Record<string, unknown>> = {
    id: options.phoneNumberId,
    display_phone_number: options.displayPhoneNumber,
    verified_name: 'Sangam Sandbox',
    code_verification_status: 'VERIFIED',
    quality_rating: 'GREEN',
    status: 'CONNECTED',
    account_mode: 'SANDBOX',
    host_platform: 'CLOUD_API',
    is_official_business_account: false,
  };
  /** The id is told whatever is asked; a field that is none is left out. */
  const told = (query: unknown): object => {
    const asked = fieldsQuery.safeParse(query).data?.fields?.split(',') ?? defaultFields;
    return Object.fromEntries(
      [...new Set([...asked, 'id'])].flatMap((name) => (name in number ? [[name, number[name]]] : [])),
    );
  };
  const answer = ({ authorization, id }: GraphRead, wanted: string, body: () => unknown): Answer => {
    if (authorization !== `Bearer ${options.accessToken}`) return badToken(authorization);
    return id === wanted ? ok(body()) : unknownNode(id);
  };
  return {
    list: (request) =>
      answer(request, options.wabaId, () => ({
        data: [told(request.query)],
        paging: { cursors: { before: 'QVFIU0', after: 'QVFIU1' } },
      })),
    read: (request) => answer(request, options.phoneNumberId, () => told(request.query)),
  };
}
