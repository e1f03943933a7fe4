import { type Answer, ok } from '../http.ts';
import type { WhatsappRules } from './rules.ts';

/** What the sandbox's Graph tells of its number, under the names OpenAPI v23 gives these fields. */
export interface Numbers {
  /** `GET /{WABA id}/phone_numbers` */
  list(query: URLSearchParams): Answer;
  /** `GET /{phone number id}` */
  read(query: URLSearchParams): Answer;
  /** `GET /{WABA id}` */
  account(query: URLSearchParams): Answer;
}

/** What is told where no `fields` are named. */
const defaultFields = [
  'verified_name',
  'code_verification_status',
  'display_phone_number',
  'quality_rating',
  'id',
];
const defaultAccountFields = ['id', 'name', 'timezone_id', 'message_template_namespace'];

export function createNumbers(options: {
  phoneNumberId: string;
  wabaId: string;
  displayPhoneNumber: string;
  rules: () => WhatsappRules;
}): Numbers {
  const number = (): Readonly<Record<string, unknown>> => ({
    id: options.phoneNumberId,
    display_phone_number: options.displayPhoneNumber,
    verified_name: 'Sangam Sandbox',
    code_verification_status: 'VERIFIED',
    quality_rating: 'GREEN',
    status: 'CONNECTED',
    account_mode: 'SANDBOX',
    host_platform: 'CLOUD_API',
    is_official_business_account: false,
    whatsapp_business_manager_messaging_limit: limitName(options.rules().portfolioLimit),
  });
  const account: Readonly<Record<string, unknown>> = {
    id: options.wabaId,
    name: 'Sangam Sandbox',
    timezone_id: '71',
    message_template_namespace: 'sangam_sandbox',
    marketing_messages_onboarding_status: 'ONBOARDED',
  };
  /** The id is told whatever is asked; a field that is none is left out. */
  const told = (all: Readonly<Record<string, unknown>>, query: URLSearchParams, usual: string[]): object => {
    const asked = query.get('fields')?.split(',') ?? usual;
    return Object.fromEntries(
      [...new Set([...asked, 'id'])].flatMap((name) => (name in all ? [[name, all[name]]] : [])),
    );
  };
  return {
    list: (query) =>
      ok({
        data: [told(number(), query, defaultFields)],
        paging: { cursors: { before: 'QVFIU0', after: 'QVFIU1' } },
      }),
    read: (query) => ok(told(number(), query, defaultFields)),
    account: (query) => ok(told(account, query, defaultAccountFields)),
  };
}

/** docs/vendors/whatsapp.md §3.4. */
function limitName(limit: number): string {
  if (limit === 0) return 'TIER_UNLIMITED';
  return limit >= 1_000 ? `TIER_${String(limit / 1_000)}K` : `TIER_${String(limit)}`;
}
