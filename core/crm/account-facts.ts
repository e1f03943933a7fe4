import { z } from 'zod';
import { contactSources } from './contact-fields.ts';
import type { ConnectorTraits } from './connector.ts';
import { fieldKinds } from './field.ts';
import type { CallLimit } from './limits.ts';
import { type FieldMapping, fieldPolicies, transforms } from './mapping.ts';

/** What may differ from one account of a CRM to the next: names of custom fields, what its plan allows, where it is seen. */
export interface AccountFacts {
  /** Our unique field. */
  readonly contactIdField: string;
  /** Fields that hold phones of a person, the one people look at first. */
  readonly phoneFields: readonly string[];
  /** The field of a record's owner; undefined: this CRM has none. */
  readonly ownerField?: string;
  /** Fields whose changes start things in a CRM, such as a lifecycle stage: followed though no mapping names them. */
  readonly followedFields: readonly string[];
  /** The same of fields of people's deals; undefined: nothing of deals is told. */
  readonly followedDealFields?: readonly string[];
  readonly defaultMapping: readonly FieldMapping[];
  /** How long after a poll the next is due, milliseconds: while webhooks arrive, and while none do. */
  readonly pollEveryMs: { readonly besideWebhooks: number; readonly silent: number };
  /** By the name under which the connector asks for its permits. */
  readonly limits: Readonly<Record<string, CallLimit>>;
  /** Where the vendor calls options by ids: those of each such field. Within the engine they are called as people see them. */
  readonly options?: Readonly<Record<string, FieldOptions>>;
  /** What keeps its timeline entries, by the vendor's name, where editions differ in what they have for it. */
  readonly timelineIn?: string;
  /** Where people see the account, where each has an address of its own. */
  readonly seenAt?: string;
}

export interface FieldOptions {
  /** Whether a record may have several of them. */
  readonly several: boolean;
  /** By their ids. */
  readonly labels: Readonly<Record<string, string>>;
}

/** What is so of one account: what is so of its CRM, and its own facts. */
export type AccountTraits = ConnectorTraits & AccountFacts;

/** `known`: of this account; what is not known of it is as its CRM's accounts usually are. */
export function traitsWith(traits: ConnectorTraits, known: Partial<AccountFacts>): AccountTraits {
  return { ...traits, ...traits.usualFacts, ...known };
}

/** What is known of one account, shared by all processes that have it open. */
export interface KnownFacts {
  now(): Partial<AccountFacts>;
  /** Facts that are left out stay as they are. */
  save(facts: Partial<AccountFacts>): Promise<void>;
}

const name = z.string();
const ms = z.number();
const crmField = z.object({
  name,
  label: z.string(),
  kind: z.enum(fieldKinds),
  writable: z.boolean(),
  on: z.array(name).exactOptional(),
  options: z.array(z.object({ value: z.string(), label: z.string() })).exactOptional(),
});
const mappingLine = z.object({
  source: z.union([
    z.enum(contactSources),
    z.object({ flowAnswer: z.string() }),
    z.object({ constant: z.string() }),
  ]),
  field: crmField,
  policy: z.enum(fieldPolicies),
  transform: z.enum(transforms),
  values: z.record(z.string(), z.string()).exactOptional(),
  standIns: z
    .array(z.union([z.literal('phone'), z.literal('username'), z.templateLiteral(["'", z.string(), "'"])]))
    .exactOptional(),
});
const callLimit = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('rolling'), calls: z.number(), perMs: ms }),
  z.object({
    kind: z.literal('budget'),
    tokens: z.number(),
    renewed: z.union([z.literal('a day later'), z.object({ midnightIn: z.string() })]),
    reserves: z.object({ pressing: z.number(), consent: z.number() }),
  }),
  z.object({ kind: z.literal('concurrent'), most: z.number() }),
]);

const storedFacts = z.object({
  contactIdField: name.exactOptional(),
  phoneFields: z.array(name).exactOptional(),
  ownerField: name.exactOptional(),
  followedFields: z.array(name).exactOptional(),
  followedDealFields: z.array(name).exactOptional(),
  defaultMapping: z.array(mappingLine).exactOptional(),
  pollEveryMs: z.object({ besideWebhooks: ms, silent: ms }).exactOptional(),
  limits: z.record(z.string(), callLimit).exactOptional(),
  options: z
    .record(name, z.object({ several: z.boolean(), labels: z.record(z.string(), z.string()) }))
    .exactOptional(),
  timelineIn: z.string().exactOptional(),
  seenAt: z.string().exactOptional(),
});

/** Facts as they were stored, maybe by another version: one that cannot be read is not known. */
export function readStoredFacts(stored: unknown): Partial<AccountFacts> {
  const read = storedFacts.safeParse(stored);
  if (read.success) return read.data;
  const unread = new Set(read.error.issues.map(({ path }) => path[0]));
  const rest = Object.entries(Object(stored)).filter(([fact]) => !unread.has(fact));
  return storedFacts.safeParse(Object.fromEntries(rest)).data ?? {};
}
