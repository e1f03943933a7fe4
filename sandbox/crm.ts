import type { IncomingHttpHeaders } from 'node:http';
import type { Router } from 'express';
import type { Answer } from './http.ts';
import type { JournalPart } from './journal.ts';

/** One request to a vendor's API, below its base path. */
export interface VendorRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** A request whose operation is known but that has not happened yet. */
export interface VendorCall {
  /** As it is counted: method and path without version and ids. */
  readonly operation: string;
  /**
   * Makes it happen, at once and whole. `readAt`: reads see what was so then, milliseconds since the Unix epoch;
   * undefined = now.
   */
  run(readAt: number | undefined): Answer;
}

/** A record as a user of the CRM reads it. */
export interface UserRecord {
  readonly id: string;
  /** Without empty ones. */
  readonly properties: Readonly<Record<string, string>>;
  /** Oldest first; `at` in ISO 8601. */
  readonly timeline: readonly { readonly id: string; readonly at: string; readonly text: string }[];
}

/** What a user of the CRM does with records of one type: no token, no limit, the same validation. */
export interface RecordDesk {
  list(page: { limit?: number | undefined; after?: string | undefined }): UserRecord[];
  get(id: string): UserRecord | undefined;
  /** The record, or the vendor's refusal. */
  create(properties: Readonly<Record<string, unknown>>): UserRecord | Refused;
  update(id: string, properties: Readonly<Record<string, unknown>>): UserRecord | Refused | undefined;
  /** Whether there was such a record. */
  remove(id: string): boolean;
}

export interface Refused {
  readonly refused: { readonly status: number; readonly message: string };
}

/** A CRM to play with. The registry of sandbox.ts mounts each under `/sandbox/{name}`. */
export interface CrmSimulator {
  readonly name: string;
  readonly journals: readonly JournalPart[];
  readonly desks: Readonly<Record<string, RecordDesk>>;
  /** Control routes only this CRM has. */
  readonly controls: Router;
  call(request: VendorRequest): VendorCall;
  /** A fault's status in this vendor's error shape. */
  failure(status: number): Answer;
  /** Whether earlier states are to be kept from now on, for reads that lag. */
  keepPast(keep: boolean): void;
}
