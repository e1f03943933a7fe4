import type { ConnectionSettings } from '@sangam/core/crm';
import type { ConnectionRow } from '@sangam/core/store';
import type { Crms } from './crms.ts';
import { iso } from '../http/times.ts';
import { lineOf, type MappingLine } from './mapping-line.ts';

/** A CRM account as an admin sees it. Times ISO 8601. */
export interface ConnectionView {
  readonly connectionId: string;
  readonly crm: string;
  readonly label: string;
  /** The vendor's id of the account; null until it was first reached. */
  readonly account: string | null;
  readonly mode: ConnectionRow['mode'];
  readonly testPhones: readonly string[];
  /** Why nothing is called until an admin acts. */
  readonly blockedReason: string | null;
  /** Why timelines are not written until an admin acts; records are. */
  readonly timelineBlockedReason: string | null;
  readonly disconnectedAt: string | null;
  readonly failedAttempts: number;
  readonly nextCallAt: string | null;
  /** Nothing is written there until an admin acts. */
  readonly parkedFields: readonly { readonly field: string; readonly at: string; readonly why: string }[];
  /** Whether a look through the whole account has ended, so that a phone not found means nobody. */
  readonly index: { readonly complete: boolean; readonly completedAt: string | null };
  readonly changes: {
    readonly lastWebhookAt: string | null;
    /** Until when the account sends webhooks, where they have to be asked for; Sangam asks anew in time. */
    readonly webhooksUntil: string | null;
    readonly polledUntil: string | null;
  };
  /** What to enter as target URL in the app that signs. */
  readonly webhookUrl: string;
}

export interface ConnectionDetail extends ConnectionView {
  readonly settings: ConnectionSettings;
  readonly mapping: readonly MappingLine[];
  /** The mapping is the connector's own, and a later version may add to it. */
  readonly mappingIsDefault: boolean;
}

export function viewOf(row: ConnectionRow, crms: Crms, publicUrl: string): ConnectionView {
  const ownApp = row.sandbox || row.authKind !== 'oauth' || crms.of(row.crm)?.webhooks.ofEachAccount === true;
  return {
    connectionId: row.connectionId,
    crm: row.crm,
    label: crms.of(row.crm)?.traits.label ?? row.crm,
    account: row.account,
    mode: row.mode,
    testPhones: row.testPhones,
    blockedReason: row.blockedReason,
    timelineBlockedReason: row.timelineBlockedReason,
    disconnectedAt: iso(row.disconnectedAt),
    failedAttempts: row.failedAttempts,
    nextCallAt: row.nextCallAt === 0 ? null : iso(row.nextCallAt),
    parkedFields: Object.entries(row.parkedFields).map(([field, { at, why }]) => ({
      field,
      at: iso(at),
      why,
    })),
    index: { complete: row.indexedAt !== null, completedAt: iso(row.indexedAt) },
    changes: {
      lastWebhookAt: iso(row.lastWebhookAt),
      webhooksUntil: iso(row.webhooksUntil),
      polledUntil: iso(row.polledUntil),
    },
    webhookUrl: `${publicUrl}/webhooks/${row.crm}${ownApp ? `/${row.connectionId}` : ''}`,
  };
}

export function detailOf(row: ConnectionRow, crms: Crms, publicUrl: string): ConnectionDetail {
  return {
    ...viewOf(row, crms, publicUrl),
    settings: row.settings,
    mapping: (row.mapping ?? crms.traitsOf(row)?.defaultMapping ?? []).map(lineOf),
    mappingIsDefault: row.mapping === undefined,
  };
}
