import { createHmac } from 'node:crypto';
import type { DelugeRequest } from './deluge.ts';

/** What an org tells Sangam with. */
export interface ZohoSettings {
  readonly address: string;
  readonly secret: string;
  readonly orgId: string;
}

export interface ZohoChange {
  readonly module: string;
  readonly id: string;
  readonly event: string;
  readonly field?: string;
  readonly value?: string;
  /** Of a deal: its contact's id. */
  readonly person?: string;
}

/** The twin of zoho-extension/functions/record_changed.dg: what it sends for the same, in our own words. */
export function twinOfRecordChanged(
  { address, secret, orgId }: ZohoSettings,
  { module, id, event, field = '', value = '', person = '' }: ZohoChange,
  now: number,
): DelugeRequest {
  const at = String(now);
  const fields = field === '' ? {} : { [field]: value };
  const body = JSON.stringify({ orgId, module, id, event, at, person, fields });
  const signature = createHmac('sha256', secret).update(`${at}.${body}`).digest('hex');
  const headers = {
    'X-Sangam-Timestamp': at,
    'X-Sangam-Signature': signature,
    'Content-Type': 'application/json',
  };
  return { url: address, method: 'POST', headers, body };
}
