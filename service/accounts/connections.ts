import { isDeepStrictEqual } from 'node:util';
import type { ConnectionSettings, Connector, CrmField } from '@sangam/core/crm';
import type { Clock } from '@sangam/core/clock';
import { noSuch, Refusal } from '@sangam/core/errors';
import { type Connectors, wasDisconnected } from '@sangam/core/work';
import {
  type Actor,
  askWebhooksAt,
  type AuditAction,
  connectionOf,
  type ConnectionRow,
  connectionsOf,
  listChannels,
  markAllDirty,
  closeAlertsOf,
  decideConnection,
  liftBlock,
  lockConnection,
  rotateWebhookSecret,
  settingsCut,
  type Store,
  type WorkspaceTransaction,
  writeAudit,
} from '@sangam/core/store';
import { mergeSettings } from './connection-settings.ts';
import { type ConnectionDetail, type ConnectionView, detailOf, viewOf } from './connection-view.ts';
import type { Crms } from './crms.ts';
import { lineOf, type MappingLine } from './mapping-line.ts';
import { checkMapping } from './mapping-rules.ts';
import { checkOwnerRule, ownersIn } from './owner-rule.ts';
import type { SecretBox } from '../secrets/secrets.ts';

/** The workspace's CRM accounts and what an admin decides about each. Throws a `Refusal`, or the connector's errors. */
export interface Connections {
  list(workspaceId: string): Promise<ConnectionView[]>;
  detail(workspaceId: string, connectionId: string): Promise<ConnectionDetail>;
  /** Leaving shadow provisions first. `testPhones`: E.164; undefined: as they are. */
  setMode(
    actor: Actor,
    connectionId: string,
    mode: ConnectionRow['mode'],
    testPhones: readonly string[] | undefined,
  ): Promise<ConnectionDetail>;
  /** `change` holds only what is to differ. */
  changeSettings(actor: Actor, connectionId: string, change: object): Promise<ConnectionSettings>;
  fields(workspaceId: string, connectionId: string): Promise<CrmField[]>;
  owners(workspaceId: string, connectionId: string): ReturnType<Connector['owners']>;
  /** Null, or the very lines of it: the connector's default. Everybody is brought in step with it. */
  setMapping(
    actor: Actor,
    connectionId: string,
    lines: readonly MappingLine[] | null,
  ): Promise<ConnectionDetail>;
  unpark(actor: Actor, connectionId: string, field: string): Promise<ConnectionDetail>;
  planProvisioning(workspaceId: string, connectionId: string): ReturnType<Connector['planProvisioning']>;
  provision(actor: Actor, connectionId: string): Promise<void>;
  /** Tries a blocked account again after a person put things right. */
  retry(actor: Actor, connectionId: string): Promise<void>;
  /** Of the account's own app; the one before lives on for a day. */
  setWebhookSecret(actor: Actor, connectionId: string, secret: string): Promise<void>;
}

const overlapMs = 24 * 60 * 60 * 1000;

export function createConnections(dependencies: {
  store: Store;
  crms: Crms;
  connectors: Connectors;
  box: SecretBox;
  clock: Clock;
  publicUrl: () => string;
  /** A webhook secret changed. */
  secretsChanged: () => void;
}): Connections {
  const { store, crms, connectors, box, clock, publicUrl, secretsChanged } = dependencies;

  const find = async (workspaceId: string, connectionId: string): Promise<ConnectionRow> =>
    store.transact(workspaceId, (trx) => rowOf(trx, connectionId));
  const connectorOf = async (workspaceId: string, connectionId: string): Promise<Connector> =>
    connectors.of(await find(workspaceId, connectionId));
  const detail = async (workspaceId: string, connectionId: string): Promise<ConnectionDetail> =>
    detailOf(await find(workspaceId, connectionId), crms, publicUrl());

  /** One act on a row nobody else changes meanwhile, with its line in the audit. */
  const act = async <Result>(
    actor: Actor,
    {
      connectionId,
      action,
      detail = '',
    }: { readonly connectionId: string; readonly action: AuditAction; readonly detail?: string },
    work: (trx: WorkspaceTransaction, row: ConnectionRow, now: number) => Promise<Result>,
  ): Promise<Result> => {
    const { workspaceId, memberId } = actor;
    const now = clock.now();
    return store.transact(workspaceId, async (trx) => {
      const row = await lockedRow(trx, connectionId);
      const result = await work(trx, row, now);
      await writeAudit(trx, { memberId, action, subject: `${connectionId} ${detail}`.trim(), at: now });
      return result;
    });
  };

  return {
    async list(workspaceId) {
      const rows = await store.transact(workspaceId, connectionsOf);
      return rows.map((row) => viewOf(row, crms, publicUrl()));
    },
    detail,

    async setMode(actor, connectionId, mode, testPhones) {
      const row = await find(actor.workspaceId, connectionId);
      const phones = testPhones ?? row.testPhones;
      if (mode === 'test' && phones.length === 0) {
        const message = 'Name at least one phone in testPhones: only these people are written.';
        throw new Refusal('invalid', 'no_test_phones', message, [{ path: 'testPhones', message }]);
      }
      if (mode !== 'shadow') {
        connectors.forget(connectionId);
        await connectors.of({ ...row, mode });
      }
      await act(actor, { connectionId, action: 'set mode', detail: mode }, async (trx, before, now) => {
        if (before.disconnectedAt !== null) throw disconnected();
        await decideConnection(trx, connectionId, { mode, testPhones: phones });
        // Whoever was only shown until now is due.
        const wider = mode === 'live' ? before.mode !== 'live' : mode === 'test';
        if (wider) await markAllDirty(trx, connectionId, now);
      });
      return detail(actor.workspaceId, connectionId);
    },

    async changeSettings(actor, connectionId, change) {
      const row = await find(actor.workspaceId, connectionId);
      const { owner, creation } = mergeSettings(row.settings, change);
      if (creation.as !== undefined && creation.as !== row.settings.creation.as)
        checkMadeType(creation.as, (await connectors.of(row)).traits.recordTypes?.made ?? []);
      const chosen = !isDeepStrictEqual(owner, row.settings.owner);
      if (chosen && ownersIn(owner).length > 0) {
        const owners = await (await connectors.of(row)).owners();
        const channels = await store.transact(actor.workspaceId, listChannels);
        checkOwnerRule(owner, {
          ownerIds: owners.map(({ ownerId }) => ownerId),
          channelIds: channels.map(({ channelId }) => channelId),
        });
      }
      const settings = await act(
        actor,
        { connectionId, action: 'change settings', detail: Object.keys(change).join(' ') },
        async (trx, row, now) => {
          const merged = mergeSettings(row.settings, change);
          await decideConnection(trx, connectionId, { settings: merged });
          await closeAlertsOf(trx, connectionId, settingsCut, now);
          return merged;
        },
      );
      return settings;
    },

    fields: async (workspaceId, connectionId) => (await connectorOf(workspaceId, connectionId)).fields(),
    owners: async (workspaceId, connectionId) => (await connectorOf(workspaceId, connectionId)).owners(),

    async setMapping(actor, connectionId, lines) {
      const before = await find(actor.workspaceId, connectionId);
      const connector = await connectors.of(before);
      const fields = await connector.fields();
      const { contactIdField, spelling, defaultMapping } = connector.traits;
      const isDefault = lines === null || isDeepStrictEqual(lines, defaultMapping.map(lineOf));
      const checked = isDefault
        ? { mapping: defaultMapping }
        : checkMapping(lines, before.mapping ?? defaultMapping, { fields, contactIdField, spelling });
      if ('problems' in checked) {
        const { problems } = checked;
        const message = problems.map((problem) => problem.message).join('\n');
        throw new Refusal('invalid', 'mapping_refused', message, problems);
      }
      await act(
        actor,
        { connectionId, action: isDefault ? 'reset mapping' : 'set mapping' },
        async (trx, row, now) => {
          // What is mapped and still not there stays parked: writing to it would only fail again.
          const there = new Set(fields.map(({ name }) => name));
          const mapped = new Set(checked.mapping.map(({ field }) => field.name));
          const parked = Object.entries(row.parkedFields).filter(
            ([field]) => mapped.has(field) && !there.has(field),
          );
          await decideConnection(trx, connectionId, {
            mapping: isDefault ? null : checked.mapping,
            parkedFields: Object.fromEntries(parked),
          });
          if (parked.length === 0) await closeAlertsOf(trx, connectionId, 'fields missing', now);
          await markAllDirty(trx, connectionId, now);
        },
      );
      connectors.forget(connectionId);
      return detail(actor.workspaceId, connectionId);
    },

    async unpark(actor, connectionId, field) {
      const row = await find(actor.workspaceId, connectionId);
      if (!Object.hasOwn(row.parkedFields, field)) throw noSuch('parked field');
      const fields = await (await connectors.of(row)).fields();
      if (!fields.some(({ name }) => name === field)) {
        throw new Refusal(
          'conflict',
          'field_missing',
          `'${field}' is still missing in the CRM: create it there again (POST …/provisioning for Sangam's own), or take ` +
            'it out of the mapping.',
        );
      }
      await act(actor, { connectionId, action: 'unpark field', detail: field }, async (trx, before, now) => {
        const parked = Object.entries(before.parkedFields).filter(([name]) => name !== field);
        await decideConnection(trx, connectionId, { parkedFields: Object.fromEntries(parked) });
        if (parked.length === 0) await closeAlertsOf(trx, connectionId, 'fields missing', now);
        await markAllDirty(trx, connectionId, now);
      });
      return detail(actor.workspaceId, connectionId);
    },

    planProvisioning: async (workspaceId, connectionId) =>
      (await connectorOf(workspaceId, connectionId)).planProvisioning(),

    async provision(actor, connectionId) {
      const row = await find(actor.workspaceId, connectionId);
      if (row.mode === 'shadow') {
        throw new Refusal(
          'conflict',
          'in_shadow',
          'In shadow nothing is written to the CRM. GET the same address shows what is missing; the mode test or live creates it.',
        );
      }
      const connector = await connectors.of(row);
      // Before it begins: what it makes in the CRM is there even if it ends in the middle.
      await act(actor, { connectionId, action: 'provision' }, () => Promise.resolve());
      await connector.provision();
    },

    async retry(actor, connectionId) {
      await act(actor, { connectionId, action: 'retry connection' }, async (trx, row, now) => {
        if (row.disconnectedAt !== null) throw disconnected();
        await liftBlock(trx, connectionId, now);
        // What was in the way of its webhooks may be mended too.
        if (row.askWebhooksAt !== null) await askWebhooksAt(trx, connectionId, 0);
      });
      connectors.forget(connectionId);
    },

    async setWebhookSecret(actor, connectionId, secret) {
      await act(actor, { connectionId, action: 'set webhook secret' }, async (trx, row, now) => {
        if (row.disconnectedAt !== null) throw disconnected();
        const ofEachAccount = crms.of(row.crm)?.webhooks.ofEachAccount === true;
        if (row.sandbox || (row.authKind === 'oauth' && !ofEachAccount)) {
          throw new Refusal(
            'conflict',
            'not_own_app',
            row.sandbox
              ? "The sandbox's own app signs these webhooks: there is nothing to enter."
              : 'The app of this installation, through which the account was connected, signs its webhooks: there is nothing to enter.',
          );
        }
        const rotated = { secret: box.seal(secret), previousUntil: now + overlapMs };
        await rotateWebhookSecret(trx, connectionId, rotated);
        // Those that were asked for come with the one before, which ends.
        if (row.askWebhooksAt !== null) await askWebhooksAt(trx, connectionId, 0);
      });
      secretsChanged();
    },
  };
}

async function rowOf(trx: WorkspaceTransaction, connectionId: string): Promise<ConnectionRow> {
  const row = await connectionOf(trx, connectionId);
  if (row === undefined) throw noSuch('connection');
  return row;
}

async function lockedRow(trx: WorkspaceTransaction, connectionId: string): Promise<ConnectionRow> {
  const { connectionId: known } = await rowOf(trx, connectionId);
  await lockConnection(trx, known);
  return rowOf(trx, known);
}

function disconnected(): Refusal {
  return new Refusal('conflict', 'disconnected', wasDisconnected);
}

/** Throws a `Refusal` where the CRM makes no such record of a person. */
function checkMadeType(type: string, made: readonly string[]): void {
  if (made.includes(type)) return;
  const message =
    made.length === 0
      ? 'This CRM has one type of record for people: leave creation.as out.'
      : `This CRM makes no '${type}' of a person: choose ${made.map((one) => `'${one}'`).join(' or ')}.`;
  throw new Refusal('invalid', 'unknown_record_type', message, [{ path: 'creation.as', message }]);
}
