import { randomUUID } from 'node:crypto';
import {
  type Connector,
  connectionSettings,
  type ConnectionSettings,
  type ContactFields,
  type ContactSource,
  type CrmChange,
  type CrmField,
  type CrmValues,
  type FieldMapping,
  type FieldValue,
  type Priority,
} from '@sangam/core/crm';
import { contactFields } from '@sangam/core/pipeline';
import { changeTags } from '@sangam/core/corrections';
import {
  type Alert,
  type Conflict,
  type ConnectionMode,
  connectionOf,
  type ConnectionRow,
  type DeadLetterRow,
  dueConnection,
  findContact,
  listAlerts,
  listConflicts,
  listDeadLetters,
  listOccurrences,
  markAllDirty,
  toJson,
  type WorkspaceTransaction,
} from '@sangam/core/store';
import { openFacts } from '@sangam/core/work';
import type { SandboxClock } from '@sangam/sandbox';
import type pg from 'pg';
import type { ConformanceAccount, UserRecord } from '../conformance/account.ts';
import type { CrmProcess } from './crm-process.ts';
import { addWorkspace } from './engine-fixture.ts';
import { freely } from './permits.ts';
import { type Change, echo, type Person, status, text, webhook } from './whatsapp.ts';

/** Settings as an admin gives them: what is left out is as it comes. */
type SettingsInput = (typeof connectionSettings)['_zod']['input'];

export interface WorkspaceOptions {
  /** The account's webhooks arrive; of a CRM that lacks them, polls are made. */
  readonly webhooks?: boolean;
  /** Whatever settles is followed by a look at what changed: news comes by polls. */
  readonly polled?: boolean;
  /** Calls keep to the connector's own limits; else they are let through as they come. */
  readonly limiter?: boolean;
  readonly settings?: SettingsInput;
}

/** One business: its number on WhatsApp, its account in a CRM, and what Sangam knows of both. */
export interface CrmWorkspace {
  readonly workspaceId: string;
  readonly channelId: string;
  readonly connectionId: string;
  readonly account: ConformanceAccount;
  /** Another than those the workers use. */
  readonly connector: Connector;
  /** Done before each call of the workers' connectors. */
  beforeCall: ((priority: Priority) => Promise<void>) | undefined;
  /** Done when a worker has read the connection for its tick and leased nothing yet. */
  beforeLease: ((lane: 'records' | 'timeline') => Promise<void>) | undefined;
  /** The account's webhooks arrive from here on; what happened before is never told. */
  listen(): Promise<void>;
  /** One webhook of the account, whatever happened there. */
  isTold(changes: readonly CrmChange[]): Promise<void>;
  /** News does not get through for now: webhooks come again, and polls are not made. */
  deaf: boolean;
  /** Whatever the account tells of what happened there has come in, as far as anybody listens. */
  newsArrived(): Promise<boolean>;
  readonly polled: boolean;
  /** An admin chooses other settings. */
  configure(settings: SettingsInput): Promise<void>;
  /** An admin chooses another mode. */
  setMode(mode: ConnectionMode, testPhones?: readonly string[]): Promise<void>;
  /** An admin maps more than the connector does by itself. */
  remap(more: readonly FieldMapping[]): Promise<void>;
  /** Looks through the whole account: from then on the phone index is complete. */
  check(): Promise<void>;
  /** Looks at what changed since the last time, due or not, and does nothing about it yet. False: nobody answered. */
  poll(): Promise<boolean>;
  /** An admin says that parked fields are there again. */
  unpark(): Promise<void>;

  receive(...changes: readonly Change[]): Promise<void>;
  /** A person writes; the message's id. */
  writes(person: Person, words?: string): Promise<string>;
  /** The business answers from its phone. */
  answers(person: Person, words?: string): Promise<string>;
  /** WhatsApp says how far a message got. */
  reached(person: Person, wamid: string, name: string): Promise<void>;
  /** A member tags a conversation. */
  tag(person: Person, add: readonly string[], remove?: readonly string[]): Promise<void>;

  /** A member erases a person here. */
  erase(person: Person): Promise<void>;

  contactOf(person: Person): Promise<ContactFields>;
  /** The account's records, as a user sees them. */
  records(): Promise<UserRecord[]>;
  /** The only record there is. */
  record(): Promise<UserRecord>;
  /** Values in the CRM's own fields: `phone` in the field people look at first. */
  valuesOf(values: Partial<Record<ContactSource, FieldValue | string>>): CrmValues;
  /** What a record holds of ours, in the CRM's form; '' where nothing. */
  read(record: UserRecord | undefined, source: ContactSource): string;
  /** The time it holds, milliseconds; NaN where it holds none. */
  timeOf(record: UserRecord | undefined, source: ContactSource): number;
  tagsOf(record: UserRecord | undefined): readonly string[];
  isOptedOut(record: UserRecord | undefined): boolean;
  fieldOf(source: ContactSource): CrmField;

  letters(): Promise<DeadLetterRow[]>;
  /** What lies in dead letters goes on its way again. */
  replay(): Promise<void>;
  alerts(): Promise<Alert[]>;
  conflicts(): Promise<Conflict[]>;
  occurrences(): ReturnType<typeof listOccurrences>;
  transact<Result>(work: (trx: WorkspaceTransaction) => Promise<Result>): Promise<Result>;
}

const portfolio = 'portfolio';

/** WhatsApp tells time in whole seconds: what is written after something else is to be later. */
const wholeSecond = 1000;

export async function openCrmWorkspace(parts: {
  process: CrmProcess;
  settle: () => Promise<void>;
  clock: SandboxClock;
  account: ConformanceAccount;
  database: pg.Client;
  options: WorkspaceOptions;
}): Promise<CrmWorkspace> {
  const { process, settle, clock, account, database, options } = parts;
  const { store, receiver } = process;
  const { traits } = account;
  const channel = await addWorkspace(store);
  const { workspaceId, channelId } = channel;
  const memberId = randomUUID();
  const settings: ConnectionSettings = connectionSettings.parse(options.settings ?? {});
  const { rows } = await database.query<{ connection_id: string }>(
    `update crm_connections set crm = $2, account = $3, mode = 'live', settings = $4
     where workspace_id = $1 returning connection_id`,
    [workspaceId, traits.crm, account.account, toJson(settings)],
  );
  const connectionId = rows[0]?.connection_id ?? '';
  await database.query(
    `insert into directory_accounts (crm, account, workspace_id, connection_id) values ($1, $2, $3, $4)
     on conflict do nothing`,
    [traits.crm, account.account, workspaceId, connectionId],
  );

  const row = await store.transact(workspaceId, (trx) => connectionOf(trx, connectionId));
  if (row === undefined) throw new Error(`There is no connection ${connectionId}.`);
  // What is found out by it is known to the workers too.
  const connector = account.connect(freely(), openFacts(store, row).facts);
  await connector.provision();

  const fieldOf = (source: ContactSource): CrmField => {
    const found = connector.traits.defaultMapping.find((one) => one.source === source);
    if (found === undefined) throw new Error(`${traits.label} maps no '${source}'.`);
    return found.field;
  };
  const transact = <Result>(work: (trx: WorkspaceTransaction) => Promise<Result>): Promise<Result> =>
    store.transact(workspaceId, work);
  const receive = (...changes: readonly Change[]): Promise<void> =>
    receiver.receive(Buffer.from(JSON.stringify(webhook(channel, changes))), {
      kind: 'channel',
      workspaceId,
      channelId,
    });
  const read = (record: UserRecord | undefined, source: ContactSource): string =>
    record?.values[fieldOf(source).name] ?? '';

  const listens = options.webhooks === true && account.lacks.webhooks === undefined;

  let listening = false;
  const fixture: CrmWorkspace = {
    workspaceId,
    channelId,
    connectionId,
    account,
    connector,
    beforeCall: undefined,
    beforeLease: undefined,
    deaf: false,
    polled: options.polled === true || (options.webhooks === true && !listens),
    newsArrived: async () => fixture.deaf || !listening || account.webhooksArrived(),
    async listen() {
      listening = true;
      const route = { kind: 'connection' as const, workspaceId, connectionId };
      await account.webhooksTo(async (changes, raw) => {
        if (fixture.deaf) throw new Error('Nobody is there.');
        await process.changes.receive(traits.crm, changes, route, raw);
      });
    },
    async isTold(changes) {
      const route = { kind: 'connection' as const, workspaceId, connectionId };
      const told = [{ account: account.account, changes }];
      await process.changes.receive(traits.crm, told, route, Buffer.from(JSON.stringify(changes)));
    },
    async configure(settings) {
      await database.query('update crm_connections set settings = $2 where workspace_id = $1', [
        workspaceId,
        toJson(connectionSettings.parse(settings)),
      ]);
    },
    async setMode(mode, testPhones = []) {
      await transact(async (trx) => {
        await trx
          .updateTable('crm_connections')
          .set({ mode, test_phones: [...testPhones] })
          .where('workspace_id', '=', workspaceId)
          .where('connection_id', '=', connectionId)
          .execute();
        dueConnection(trx, connectionId);
      });
    },
    async remap(more) {
      await transact(async (trx) => {
        await trx
          .updateTable('crm_connections')
          .set({ mapping: toJson([...connector.traits.defaultMapping, ...more]) })
          .where('workspace_id', '=', workspaceId)
          .execute();
        await markAllDirty(trx, connectionId, clock.now());
      });
    },
    async check() {
      await process.checker.start({ workspaceId, memberId }, connectionId);
      await settle();
    },
    async poll() {
      await database.query('update crm_scan_states set next_poll_at = 0 where workspace_id = $1', [
        workspaceId,
      ]);
      const asked = clock.now();
      const connection = (): Promise<ConnectionRow | undefined> =>
        transact((trx) => connectionOf(trx, connectionId));
      const before = await connection();
      if (before !== undefined) await process.poller.poll(before);
      return ((await connection())?.polledUntil ?? 0) >= asked;
    },
    async unpark() {
      await database.query(`update crm_connections set parked_fields = '{}' where workspace_id = $1`, [
        workspaceId,
      ]);
      await transact((trx) => markAllDirty(trx, connectionId, clock.now()));
    },
    receive,
    async writes(person, words = 'Hello') {
      clock.advance(wholeSecond);
      const wamid = `wamid.${randomUUID()}`;
      await receive(text(person, wamid, clock.now(), words));
      return wamid;
    },
    async answers(person, words = 'We will look') {
      clock.advance(wholeSecond);
      const wamid = `wamid.${randomUUID()}`;
      await receive(echo(person, wamid, clock.now(), words));
      return wamid;
    },
    reached: (person, wamid, name) => receive(status(person, wamid, clock.now(), name)),
    async tag(person, add, remove = []) {
      const { contactId } = await fixture.contactOf(person);
      const change = { contactId, add: [...add], remove: [...remove] };
      await transact((trx) => changeTags(trx, memberId, change, clock.now()));
    },
    async erase(person) {
      const { contactId } = await fixture.contactOf(person);
      await process.eraser.erase({ workspaceId, memberId }, contactId);
    },
    async contactOf({ phone, bsuid }) {
      const [fields] = await transact(async (trx) => {
        const value = phone === undefined ? `bsuid:${portfolio}:${bsuid ?? ''}` : `+${phone}`;
        const contactId = await findContact(trx, { value });
        return contactId === undefined ? [] : contactFields(trx, [contactId], clock.now());
      });
      if (fields === undefined) throw new Error(`Nobody is known as ${phone ?? bsuid ?? 'nobody'}.`);
      return fields;
    },
    records: () => account.user.list(),
    async record() {
      const [record, ...others] = await account.user.list();
      if (record === undefined || others.length > 0)
        throw new Error(`There are ${String(others.length + (record === undefined ? 0 : 1))} records.`);
      return record;
    },
    valuesOf: (values) =>
      Object.fromEntries(
        Object.entries(values).map(([source, value]) => {
          const field = fieldOf(source as ContactSource);
          const written = typeof value === 'string' ? value : traits.spelling.write(value, field);
          return [field.name, written ?? ''];
        }),
      ),
    read,
    timeOf: (record, source) => traits.spelling.readTime(read(record, source), fieldOf(source)) ?? NaN,
    tagsOf: (record) => traits.spelling.readTags(read(record, 'tags'), fieldOf('tags')).toSorted(),
    isOptedOut: (record) => traits.spelling.readFlag(read(record, 'opt-out'), fieldOf('opt-out')) === true,
    fieldOf,
    async letters() {
      return transact((trx) => listDeadLetters(trx, { limit: 1000 }));
    },
    replay: async () => void (await process.deadLetters.replayAll({ workspaceId, memberId })),
    alerts: () => transact((trx) => listAlerts(trx, { limit: 1000 })),
    conflicts: () => transact((trx) => listConflicts(trx, { limit: 1000, state: 'open' })),
    occurrences: () => transact((trx) => listOccurrences(trx, connectionId, { limit: 1000 })),
    transact,
  };
  if (listens) await fixture.listen();
  return fixture;
}
