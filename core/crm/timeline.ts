import type { Priority } from './limits.ts';

/** One message in a timeline entry, ready to be read. */
export interface TimelineLine {
  /** Milliseconds. */
  readonly at: number;
  readonly direction: 'in' | 'out';
  /** Who wrote it, as a reader of the record should see it. */
  readonly sender: string;
  /** What was written, after the connection's text setting; '' where nothing of it may be shown. */
  readonly text: string;
  /** How far it got; undefined for a customer's message, and where no status is known. */
  readonly status?: 'accepted' | 'sent' | 'failed' | 'delivered' | 'read' | 'played';
  /** When `status` was reached, milliseconds. */
  readonly statusAt?: number;
  /** Why it failed, in words. */
  readonly failure?: string;
  /** The customer answered it. */
  readonly replied: boolean;
}

/** What a record's timeline shows of a conversation: one day of it, or one message. */
export interface TimelineEntry {
  /** Ours and stable; also the marker by which the entry is found again. Letters, digits and `-`. */
  readonly entryKey: string;
  readonly recordId: string;
  /** Where it stands on the timeline, milliseconds: its first message. */
  readonly at: number;
  /** Such as `WhatsApp with Asha Rao, 23 November 2026`. */
  readonly title: string;
  /** IANA name; in which its times are told. Undefined: UTC. */
  readonly timeZone?: string;
  /** Oldest first. */
  readonly lines: readonly TimelineLine[];
}

export interface EntryWrite {
  readonly entry: TimelineEntry;
  /** The vendor's id of the entry where it stands already: it is rewritten. */
  readonly entryId?: string;
}

/** What became of one entry. */
export type EntryOutcome = { readonly entryKey: string } & (
  | { readonly outcome: 'written'; readonly entryId: string }
  | { readonly outcome: 'refused'; readonly code: string; readonly explanation: string }
  /** This entry alone cannot be written now. */
  | {
      readonly outcome: 'later';
      readonly code: string;
      readonly retry: 'later' | { readonly afterMs: number };
      readonly explanation: string;
    }
  /** Nobody knows whether this entry was written. */
  | { readonly outcome: 'unknown'; readonly code: string; readonly explanation: string }
  /** The entry, or the record it was to stand on, is no longer there. */
  | { readonly outcome: 'gone' }
);

export interface FoundEntry {
  readonly entryKey: string;
  readonly entryId: string;
  readonly recordId: string;
}

/** Least time between two writes of one entry, milliseconds: what is said meanwhile is written together. */
export interface TimelineRest {
  readonly message: number;
  /** Where all that is new is how far messages got. */
  readonly status: number;
}

/** Where a record shows its conversations. Errors as of the `Connector`. */
export interface Timeline {
  /** Creates or rewrites entries. Findable: after an unknown outcome, `find` before repeating. */
  write(writes: readonly EntryWrite[], priority: Priority): Promise<EntryOutcome[]>;
  /** Our entries on these records, twins included. */
  find(recordIds: readonly string[], priority: Priority): Promise<FoundEntry[]>;
  /**
   * Takes entries away, as twins. What is not there is no error. Where the CRM deletes none, what they say is taken out, and
   * the marker with it.
   */
  remove(entryIds: readonly string[], priority: Priority): Promise<void>;
}
