import type { OutboundContent } from './outbound.ts';
import type { Template, TemplateDraft } from './templates.ts';

/** Whoever carries a channel's messages, such as Meta's Cloud API. */

/** One message, to one person, once: no provider has an idempotency key (docs/vendors/whatsapp.md §3.3). */
export interface Outbound {
  /** The digits as WhatsApp shows them; goes before a BSUID where both are known. */
  readonly waId?: string;
  readonly bsuid?: string;
  readonly content: OutboundContent;
  /** Comes back in each of its statuses: a random id, never anything of a person. */
  readonly opaque: string;
  /** The provider's ids of the media the content names by ours. */
  readonly mediaIds: ReadonlyMap<string, string>;
  /** By the endpoint for marketing messages, where an account sends them by no other. */
  readonly asMarketing: boolean;
  /**
   * On the monotonic clock: a request not written by then, as its connection took long to be made or its process stood still,
   * does not leave, and is refused as what nobody heard.
   */
  readonly beginBy?: number;
}

/** `unknown`: it may have been taken in, and may not. */
export type SendAnswer =
  | {
      readonly outcome: 'accepted';
      readonly wamid: string;
      /** A template's first messages are held back until its quality is seen. */
      readonly held: boolean;
    }
  | { readonly outcome: 'refused'; readonly error: ProviderError }
  | { readonly outcome: 'unknown'; readonly why: string };

/** The provider said, in its own form, that a message was not taken in. */
export interface ProviderError {
  readonly code: number;
  readonly subcode?: number;
  /** Its own words for whoever wrote the request; they never hold a token. */
  readonly details?: string;
  /** So long nothing of this kind is to be asked again, milliseconds. */
  readonly afterMs?: number;
}

/** A medium at the provider. */
export interface ProviderMedium {
  readonly mimeType: string;
  readonly bytes: Uint8Array;
  /** Hex, as the provider says it. */
  readonly sha256: string | undefined;
}

/**
 * One channel at its provider. All but `send` throw `SangamError` (origin whatsapp): `token_refused`, `permission_missing`,
 * `whatsapp_refused` (never, with the provider's words), and what passes with time as `later`.
 */
export interface Provider {
  /** Throws nothing: whatever happened is an answer. */
  send(message: Outbound): Promise<SendAnswer>;
  /** Shows the person that their message was read, and that somebody writes. */
  markRead(wamid: string, typing: boolean): Promise<void>;
  /** All of the account's, or those of one name. */
  templates(name?: string): Promise<Template[]>;
  submitTemplate(draft: TemplateDraft): Promise<{ readonly templateId: string; readonly status: string }>;
  /** Returns its id, good for 30 days (docs/vendors/whatsapp.md §3.2). */
  uploadMedia(medium: {
    readonly mimeType: string;
    readonly filename: string;
    readonly bytes: Uint8Array<ArrayBuffer>;
  }): Promise<string>;
  /** Throws `media_gone` (never), `media_too_large` (never) besides. */
  fetchMedia(mediaId: string, mostBytes: number): Promise<ProviderMedium>;
}
