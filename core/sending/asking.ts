import type { ConsentState } from '../consent/index.ts';
import type { ContactFields } from '../crm/index.ts';
import type { MediaKind, RequestedContent, Template, TemplateCategory } from '../whatsapp/index.ts';
import type { SendingSettings } from './settings.ts';

/** What is asked at a gate, and how things stand there. Times in milliseconds. */

export type SendReason =
  | 'channel marketing stopped'
  | 'daily limit'
  | 'expired'
  | 'marketing cap'
  | 'media unknown'
  | 'no address'
  | 'no consent'
  | 'not listed'
  | 'not on WhatsApp'
  | 'opted out'
  | 'pair limit'
  | 'quiet hours'
  | 'rests'
  | 'shadow'
  | 'something else was sent'
  | 'stop under way'
  | 'template in review'
  | 'template not approved'
  | 'template paused'
  | 'template unknown'
  | 'values do not fit'
  | 'WhatsApp limits marketing'
  | 'window closed';

/** `service`: no template. */
export type Category = 'service' | TemplateCategory;

export interface AskedMessage {
  readonly content: RequestedContent;
  readonly expiresAt: number;
  /** When WhatsApp held it back to limit marketing; null: it did not. */
  readonly cappedAt: number | null;
}

export interface GateFacts {
  readonly now: number;
  readonly channel: {
    readonly mode: 'shadow' | 'test' | 'live';
    readonly testPhones: readonly string[];
    readonly marketingBlockedReason: string | null;
    readonly region: string;
  };
  readonly settings: SendingSettings;
  readonly person: {
    /** Canonical; goes before a BSUID. */
    readonly phone?: string | undefined;
    readonly bsuid?: string | undefined;
    readonly consent: ConsentState;
    /** A STOP of theirs came that the ledger does not know of yet. */
    readonly stopUnderWay: boolean;
    readonly lastInboundAt: number | null;
    readonly windowClosesAt: number | null;
    /** They came from an ad: until then nothing is limited or billed. */
    readonly freeEntryUntil: number | null;
    readonly fields: ContactFields | undefined;
    /** How many marketing messages they were sent in the days of the cap. */
    readonly marketingSent: number;
  };
  readonly gate: {
    readonly restUntil: number;
    readonly filledUntil: number;
    readonly unreachable: number;
    readonly unreachableAt: number | null;
    readonly windowDeniedAt: number | null;
    readonly outsideAt: number | null;
  };
  /** Of the template it names. `unknown`: it was not looked for yet; `missing`: it was, and is not there. */
  readonly template:
    'none' | 'unknown' | 'missing' | { readonly template: Template; readonly pausedUntil: number | null };
  /** Of the medium of ours it names. */
  readonly medium: 'none' | 'missing' | MediaKind;
  /** Since WhatsApp held it back, they were sent something else. */
  readonly sentSomethingElse: boolean;
  /** How many more people may be written to outside their windows; null: without limit. */
  readonly dailyLeft: number | null;
}
