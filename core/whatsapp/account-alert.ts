import { z } from 'zod';
import type { WebhookSlice } from './event.ts';
import { read } from './read.ts';

/** Something WhatsApp says about the account, a number or a template that a person has to act on; or that it is over. */
export interface AccountAlert {
  readonly kind: AccountAlertKind;
  /** Which account, number or template. */
  readonly subject: string;
  /** What happened and what to do. */
  readonly message: string;
  readonly isOver: boolean;
}

export type AccountAlertKind =
  | 'WhatsApp account'
  | 'WhatsApp account review'
  | 'WhatsApp number quality'
  | 'WhatsApp number security'
  | 'WhatsApp display name'
  | 'WhatsApp Flow'
  | 'WhatsApp template'
  | 'WhatsApp template quality'
  | 'WhatsApp template category'
  | 'WhatsApp refuses the number';

const text = z.string().optional().catch(undefined);
const scalar = z.union([z.string(), z.number()]).transform(String).optional().catch(undefined);

const accountAlertFields = {
  alert_severity: text,
  alert_status: text,
  alert_type: text,
  alert_description: text,
};

const valueSchema = z.looseObject({
  event: text,
  decision: text,
  reason: text,
  message_template_name: text,
  message_template_language: text,
  message_template_id: scalar,
  new_quality_score: text,
  previous_category: text,
  new_category: text,
  display_phone_number: scalar,
  rejection_reason: text,
  flow_id: scalar,
  new_status: text,
  message: text,
  alert_state: text,
  ...accountAlertFields,
  alert_info: z.looseObject(accountAlertFields).optional().catch(undefined),
  violation_info: z.looseObject({ violation_type: text }).optional().catch(undefined),
  ban_info: z.looseObject({ waba_ban_state: text }).optional().catch(undefined),
  restriction_info: z
    .array(z.looseObject({ restriction_type: text }))
    .optional()
    .catch(undefined),
});
type Value = z.infer<typeof valueSchema>;

/** One error without a readable code must not hide its neighbours, nor pass for WhatsApp's own code 0. */
const code = z.union([z.int(), z.string().regex(/^\d+$/).transform(Number)]).catch(-1);
const errorsSchema = z.array(z.looseObject({ code, title: text, message: text }));

/**
 * What an event asks of a person, docs/vendors/whatsapp.md §1.10 and §3.6; undefined: nothing. A message may fail for
 * what stands in the way of all.
 */
export function accountAlert(slice: WebhookSlice): AccountAlert | undefined {
  const account = slice.wabaId ?? '';
  if (slice.part === 'errors') return ofErrors(slice.item, slice.phoneNumberId ?? account);
  if (slice.part === 'status' || slice.part === 'standby_status') {
    return ofErrors(read(slice.item, 'errors'), slice.phoneNumberId ?? account);
  }
  const value = valueSchema.safeParse(slice.item).data;
  if (slice.part !== 'value' || value === undefined) return undefined;
  switch (slice.field) {
    case 'account_update':
      return ofAccount(value, account);
    case 'account_alerts':
      return ofAccountAlert(value, account);
    case 'account_review_update':
      return {
        kind: 'WhatsApp account review',
        subject: account,
        message: `Meta's review of WhatsApp account ${account} ended with: ${value.decision ?? 'no decision told'}. See Business Support in Meta's Business Suite.`,
        isOver: value.decision === 'APPROVED',
      };
    case 'phone_number_quality_update':
      return ofNumberQuality(value, slice.phoneNumberId ?? account);
    case 'security':
      return {
        kind: 'WhatsApp number security',
        subject: value.display_phone_number ?? account,
        message: `The two-step PIN of ${value.display_phone_number ?? 'a number'} was touched (${value.event ?? 'no event told'}). If nobody of you did that, secure the account in Meta's WhatsApp Manager.`,
        isOver: false,
      };
    case 'phone_number_name_update':
      return ofDisplayName(value, slice.phoneNumberId ?? account);
    case 'flows':
      return ofFlow(value);
    case 'message_template_status_update':
      return ofTemplate(value);
    case 'message_template_quality_update':
      return {
        kind: 'WhatsApp template quality',
        subject: templateOf(value),
        message: `The quality of template ${templateOf(value)} is ${value.new_quality_score ?? 'unknown'}: WhatsApp pauses it next. Send it to fewer people, or change what it says.`,
        isOver: value.new_quality_score !== 'RED',
      };
    case 'template_category_update':
      return {
        kind: 'WhatsApp template category',
        subject: templateOf(value),
        message: `Meta moved template ${templateOf(value)} to ${value.new_category ?? 'another category'}${value.previous_category === undefined ? '' : ` from ${value.previous_category}`}: its price and who may get it change. Ask for a review within 60 days if that is wrong.`,
        isOver: value.new_category === 'UTILITY',
      };
    default:
      return undefined;
  }
}

const accountTroubles: Readonly<Record<string, string>> = {
  ACCOUNT_DELETED: 'was deleted',
  ACCOUNT_RESTRICTION: 'is restricted',
  ACCOUNT_VIOLATION: 'broke a rule',
  DISABLED_UPDATE: 'is being disabled',
  PARTNER_REMOVED: 'let our app go: nothing is received any more until it is connected again',
  PARTNER_APP_UNINSTALLED: 'uninstalled our app: nothing is received any more until it is connected again',
  ACCOUNT_OFFBOARDED: 'was taken off the Cloud API: nothing is received any more until it is connected again',
};

const accountRelief: ReadonlySet<string> = new Set([
  'ACCOUNT_RECONNECTED',
  'PARTNER_ADDED',
  'PARTNER_APP_INSTALLED',
]);

function ofAccount(value: Value, account: string): AccountAlert | undefined {
  const event = value.event ?? '';
  const isReinstated = value.ban_info?.waba_ban_state === 'REINSTATE';
  const trouble = accountTroubles[event];
  if (trouble === undefined && !accountRelief.has(event)) return undefined;
  const details = [
    ...(value.restriction_info ?? []).map(({ restriction_type: type }) => type),
    value.violation_info?.violation_type,
    value.ban_info?.waba_ban_state,
  ].filter((detail) => detail !== undefined);
  return {
    kind: 'WhatsApp account',
    subject: account,
    message: `WhatsApp account ${account} ${trouble ?? 'is back'}${details.length === 0 ? '' : ` (${details.join(', ')})`}. See Account quality in Meta's Business Suite.`,
    isOver: trouble === undefined || isReinstated,
  };
}

function ofAccountAlert(value: Value, account: string): AccountAlert | undefined {
  const {
    alert_severity: severity,
    alert_status: status,
    alert_type: type,
    alert_description: description,
  } = value.alert_info ?? value;
  const isOver = status === 'RESOLVED';
  if (!isOver && severity !== 'CRITICAL' && severity !== 'WARNING') return undefined;
  return {
    kind: 'WhatsApp account',
    subject: `${account} ${type ?? ''}`.trim(),
    message: `Meta says of WhatsApp account ${account}: ${description ?? type ?? 'an alert without words'}.`,
    isOver,
  };
}

function ofNumberQuality(value: Value, number: string): AccountAlert | undefined {
  const { event } = value;
  const isBad = event === 'FLAGGED' || event === 'DOWNGRADE';
  if (!isBad && event !== 'UNFLAGGED' && event !== 'UPGRADE') return undefined;
  const shown = value.display_phone_number ?? number;
  return {
    kind: 'WhatsApp number quality',
    subject: shown,
    message: `WhatsApp ${event === 'FLAGGED' ? 'flagged' : 'lowered the limits of'} ${shown} for its quality: too many people block or report it. Send less, and only to those who asked.`,
    isOver: !isBad,
  };
}

function ofDisplayName(value: Value, number: string): AccountAlert | undefined {
  const isOver = value.decision === 'APPROVED';
  if (!isOver && value.decision !== 'REJECTED') return undefined;
  const shown = value.display_phone_number ?? number;
  const reason = value.rejection_reason === undefined ? '' : ` (${value.rejection_reason})`;
  return {
    kind: 'WhatsApp display name',
    subject: shown,
    message: `Meta ${isOver ? 'approved' : 'rejected'} the display name of ${shown}${reason}. Send another to review in WhatsApp Manager.`,
    isOver,
  };
}

const flowTroubles: Readonly<Record<string, string>> = {
  BLOCKED: 'is blocked: nobody can open or send it until its endpoint answers again',
  THROTTLED: 'is throttled: ten messages an hour go out with it until its endpoint answers again',
};

/** A Flow's status, or what Meta measures of it and its endpoint: each is over by itself. */
function ofFlow(value: Value): AccountAlert | undefined {
  const flow = value.flow_id ?? 'without an id';
  if (value.event === 'FLOW_STATUS_CHANGE') {
    const trouble = flowTroubles[value.new_status ?? ''];
    if (trouble === undefined && value.new_status !== 'PUBLISHED') return undefined;
    return {
      kind: 'WhatsApp Flow',
      subject: flow,
      message: `Flow ${flow} ${trouble ?? 'may be used'}.`,
      isOver: trouble === undefined,
    };
  }
  const isOver = value.alert_state === 'DEACTIVATED';
  if (!isOver && value.alert_state !== 'ACTIVATED') return undefined;
  return {
    kind: 'WhatsApp Flow',
    subject: `${flow} ${value.event ?? ''}`.trim(),
    message: `Meta says of Flow ${flow}: ${value.message ?? value.event ?? 'an alert without words'}. Look at its endpoint.`,
    isOver,
  };
}

const templateTroubles: Readonly<Record<string, string>> = {
  REJECTED: 'was rejected: change it and send it to review again',
  PAUSED: 'is paused for its quality: nothing is sent with it meanwhile',
  DISABLED: 'is switched off: use another',
  FLAGGED: 'is flagged and will be switched off unless its quality rises',
  PENDING_DELETION: 'is being deleted',
  LOCKED: 'is locked',
  LIMIT_EXCEEDED: 'could not be added: the account has as many templates as it may have',
};

const templateRelief: ReadonlySet<string> = new Set(['APPROVED', 'REINSTATED', 'UNARCHIVED']);

function ofTemplate(value: Value): AccountAlert | undefined {
  const event = value.event ?? '';
  const trouble = templateTroubles[event];
  if (trouble === undefined && !templateRelief.has(event)) return undefined;
  const reason = value.reason === undefined || value.reason === 'NONE' ? '' : ` (${value.reason})`;
  return {
    kind: 'WhatsApp template',
    subject: templateOf(value),
    message: `Template ${templateOf(value)} ${trouble ?? 'may be used'}${reason}.`,
    isOver: trouble === undefined,
  };
}

function templateOf(value: Value): string {
  const name = value.message_template_name ?? value.message_template_id ?? 'without a name';
  const language = value.message_template_language;
  return language === undefined ? name : `${name} (${language})`;
}

/** Codes by which WhatsApp refuses a whole number until somebody acts, docs/vendors/whatsapp.md §3.6. */
const refusals: ReadonlySet<number> = new Set([
  0, 190, 3, 10, 368, 131_005, 131_031, 130_497, 131_037, 131_042, 131_044, 131_045, 131_048, 131_064,
]);

function isRefusal(of: number): boolean {
  const isPermission = of >= 200 && of < 300;
  const isRegistration = of >= 133_000 && of <= 133_016;
  return refusals.has(of) || isPermission || isRegistration;
}

function ofErrors(item: unknown, number: string): AccountAlert | undefined {
  const errors = errorsSchema.safeParse(item).data ?? [];
  const error = errors.find((given) => isRefusal(given.code));
  if (error === undefined) return undefined;
  return {
    kind: 'WhatsApp refuses the number',
    subject: number,
    message: `WhatsApp answers number ${number} with ${String(error.code)}: ${error.title ?? error.message ?? 'no words'}. Look at it in Meta's WhatsApp Manager.`,
    isOver: false,
  };
}
