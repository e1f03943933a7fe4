import type { IncomingHttpHeaders } from 'node:http';
import type { Router } from 'express';
import type { z } from 'zod';
import type { SandboxClock } from './clock.ts';
import type { Fault } from './faults.ts';
import type { Answer } from './http.ts';
import type { Append, JournalPart } from './journal.ts';
import type { MustBeTarget } from './targets.ts';

/** One request to a vendor's API, below its base path. */
export interface VendorRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly text: string;
}

/** A request whose operation is known but that has not happened yet. */
export interface VendorCall {
  /** As it is counted: method and path without version and ids. */
  readonly operation: string;
  /** Makes it happen, at once and whole. */
  run(trouble?: CallTrouble): Answer;
  /** What this very call is hit by, whatever the faults say. */
  readonly fault?: Fault | undefined;
  /** Its answer is out, or its caller is gone: it counts no more among the calls under way. */
  end?(answered: Answer | undefined): void;
}

/** What goes wrong within a call that happens. */
export interface CallTrouble {
  /** Reads see what was so then, milliseconds since the Unix epoch; undefined = now. */
  readonly readAt?: number | undefined;
  /** Asked once for every record that is written: the vendor's code it is refused with. */
  readonly refusedItem?: (() => string | undefined) | undefined;
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
export interface UserRecords {
  list(page: { limit?: number | undefined; after?: string | undefined }): UserRecord[];
  get(id: string): UserRecord | undefined;
  /** The record, or the vendor's refusal. */
  create(properties: Readonly<Record<string, unknown>>): UserRecord | Refused;
  update(id: string, properties: Readonly<Record<string, unknown>>): UserRecord | Refused | undefined;
  /** Whether there was such a record. */
  remove(id: string): boolean;
  /** `mergedId` goes into `primaryId`: the survivor. */
  readonly merge: Offered<(primaryId: string, mergedId: string) => UserRecord | Refused | undefined>;
  /** Of one that was removed. */
  readonly restore: Offered<(id: string) => UserRecord | Refused | undefined>;
  /** A lead becomes a person's record of another type: that one. */
  readonly convert: Offered<(id: string) => UserRecord | Refused | undefined>;
}

/** What a user can do here, or why there is no such thing: a sentence. */
export type Offered<Act> = Act | string;

export interface Refused {
  readonly refused: { readonly status: number; readonly message: string };
}

/** Whom an account to play with belongs to: what opens it, and who hears of its changes. */
export interface CrmParty {
  readonly accessToken: string;
  /** Of the app that is installed by OAuth and signs webhooks; drawn where none is given. */
  readonly clientId?: string;
  readonly clientSecret?: string;
  /** Where its webhooks go from the start; asked at every delivery. */
  readonly webhookUrl?: () => string;
}

/** What the sandbox gives a simulator beside that. */
export interface CrmFrame extends CrmParty {
  readonly mustBeTarget: MustBeTarget;
  readonly clock: SandboxClock;
  readonly append: (part: string) => Append;
  readonly written: () => Promise<void>;
}

/** A CRM as the registry has it. */
export interface CrmEntry {
  /** What people call it. */
  readonly label: string;
  /** The vendor's id of its one account. */
  readonly account: string;
  /** Its app's name where none is given: the same in every installation. */
  readonly clientId: string;
  /** The type of people's records. */
  readonly peopleType: string;
  readonly rules: z.ZodType;
  /** `rules`: as `rules` above has them; zod's error for a rule or answer that does not exist. */
  open(frame: CrmFrame, rules: unknown): CrmSimulator;
}

/** A CRM to play with. */
export interface CrmSimulator {
  readonly name: string;
  readonly journals: readonly JournalPart[];
  readonly userRecords: Readonly<Record<string, UserRecords>>;
  /** Control routes only this CRM has. */
  readonly controls: Router;
  call(request: VendorRequest): VendorCall;
  /** What a fault asks for, in this vendor's error shape: by status, by a code of the vendor's own, or both. */
  failure(asked: { readonly status?: number | undefined; readonly code?: string | undefined }): Answer;
  /** What `GET /sandbox` tells of it, beside its base path. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** Whether earlier states are to be kept from now on, for reads that lag. */
  keepPast(keep: boolean): void;
  /** The journal is read: delivers what it brought back, and what is to be told from now on. */
  start(): void;
  /** Delivers nothing more. */
  close(): Promise<void>;
}
