import { setTimeout as wait } from 'node:timers/promises';
import type { Grant, Renewable } from '@sangam/connectors/registry';
import type { Clock } from '@sangam/core/clock';
import type { Credentials } from '@sangam/core/crm';
import { SangamError } from '@sangam/core/errors';
import {
  type AuthKind,
  blockCalls,
  type ConnectionRow,
  endRenewal,
  leaseRenewal,
  type RenewalKey,
  type Store,
  type StoredCredentials,
  storedCredentialsOf,
} from '@sangam/core/store';
import { z } from 'zod';
import type { SecretBox } from '../secrets/secrets.ts';

/**
 * Asks the vendor for the next grant. Throws `SangamError`: `reconnect` (never) where a person has to connect again, `later`
 * or `{afterMs}` where it may be tried again.
 */
export type Renewal = (held: Renewable) => Promise<Grant>;

/** The tokens of all connections: sealed at rest, renewed by one process at a time, stored before they are used. */
export interface CrmTokens {
  credentialsOf(connection: ConnectionRow): Credentials;
  /** What the next grant is asked for with. */
  heldOf(connection: ConnectionRow): Promise<Renewable>;
}

type Account = Pick<ConnectionRow, 'workspaceId' | 'connectionId' | 'crm' | 'sandbox' | 'accessVersion'>;

interface Token {
  readonly token: string;
  /** Null: it does not expire. */
  readonly expiresAt: number | null;
  /** As stored, so that a row that holds another is noticed. */
  readonly sealed: Buffer;
}

/** Renewed so long before it expires: a refusal is no valid signal. */
const earlyMs = 5 * 60 * 1000;
/** Longer than a refresh may take; docs/design.md §4. */
const leaseMs = 60_000;
const lookAgainMs = 100;
/** How long to wait for another process's refresh, and how long to leave a vendor alone that could not refresh. */
const patienceMs = 25_000;
const pauseMs = 30_000;

/** Tokens live in the machine's own time, the vendor's, also where a sandbox's clock was advanced; `clock` dates alerts. */
export function createCrmTokens(dependencies: {
  store: Store;
  clock: Clock;
  box: SecretBox;
  /** Undefined: no app of ours stands there, so that nothing can be renewed. */
  renewalOf: (account: Account, kind: AuthKind) => Promise<Renewal | undefined>;
  /** What to do when a CRM no longer takes keys that were typed in. */
  howToReplace: (crm: string) => string;
}): CrmTokens {
  const { store, clock, box, renewalOf, howToReplace } = dependencies;
  const remembered = new Map<string, Token>();
  const renewing = new Map<string, Promise<Token>>();
  const pausedUntil = new Map<string, number>();

  const read = ({ workspaceId, connectionId }: Account): Promise<StoredCredentials | undefined> =>
    store.transact(workspaceId, (trx) => storedCredentialsOf(trx, connectionId));

  const remember = (account: Account, sealed: Buffer, expiresAt: number | null): Token => {
    const token = { token: box.open(sealed), expiresAt, sealed };
    remembered.set(account.connectionId, token);
    return token;
  };

  const opened = ({
    refreshToken,
    secret,
  }: Pick<StoredCredentials, 'refreshToken' | 'secret'>): Renewable => ({
    ...(refreshToken === null ? {} : { refreshToken: box.open(refreshToken) }),
    ...(secret === null ? {} : { secret: savedIn(box.open(secret)) }),
  });

  /** Sealed anew it is other bytes: who read the row before has to read it again. */
  const resealedKey = ({ kind, key }: Held) => {
    const resealed = box.seal(box.open(key));
    return kind === 'oauth' ? { refreshToken: resealed } : { secret: resealed };
  };

  const end = (
    account: Account,
    held: Held,
    renewed: Parameters<typeof endRenewal>[3],
    deadBecause?: string,
  ): Promise<boolean> =>
    store.transact(account.workspaceId, async (trx) => {
      const ended = await endRenewal(trx, account.connectionId, held, renewed);
      if (ended && deadBecause !== undefined) await blockCalls(trx, account, deadBecause, clock.now());
      return ended;
    });

  const lease = (account: Account, held: Held): Promise<boolean> => {
    const now = Date.now();
    return store.transact(account.workspaceId, (trx) =>
      leaseRenewal(trx, account.connectionId, held, { now, until: now + leaseMs }),
    );
  };

  /**
   * Refreshes with the lease in hand. A process that dies between the vendor's answer and our commit loses that answer:
   * where the vendor keeps its refresh token the next one just asks again, where it rotates it the account has to be
   * connected anew. No order of steps on our side can spare that.
   */
  const refresh = async (account: Account, held: Held): Promise<Token | undefined> => {
    const { kind, refreshToken, secret } = held;
    let grant: Grant;
    try {
      const renewal = await renewalOf(account, kind);
      if (renewal === undefined) throw noApp();
      grant = await renewal(opened({ refreshToken, secret }));
    } catch (error) {
      const dead = error instanceof SangamError && error.code === 'reconnect';
      if (dead) await end(account, held, { accessToken: null, ...resealedKey(held) }, error.message);
      else await end(account, held, {});
      if (dead) remembered.delete(account.connectionId);
      throw error;
    }
    const accessToken = box.seal(grant.accessToken);
    const expiresAt = grant.expiresAt ?? null;
    const kept = await end(account, held, {
      accessToken,
      tokenExpiresAt: expiresAt,
      ...resealedKey(held),
      ...(grant.refreshToken === undefined ? {} : { refreshToken: box.seal(grant.refreshToken) }),
      ...(grant.secret === undefined ? {} : { secret: box.seal(JSON.stringify(grant.secret)) }),
      ...(grant.apiBase === undefined ? {} : { apiBase: grant.apiBase }),
    });
    return kept ? remember(account, accessToken, expiresAt) : undefined;
  };

  /** Another token than `used`: another process's, or the vendor's by way of one call of all processes. */
  const renewOnce = async (account: Account, used: string | undefined): Promise<Token> => {
    const patientUntil = performance.now() + patienceMs;
    for (;;) {
      const row = await read(account);
      const held = row === undefined ? undefined : heldIn(row);
      if (row === undefined || (row.accessToken === null && held === undefined)) throw notConnected();
      const { accessToken } = row;
      if (accessToken === null && row.blockedReason !== null) throw reconnect(row.blockedReason);
      if (accessToken !== null) {
        const stored = remember(account, accessToken, row.tokenExpiresAt);
        if (stored.token !== used && isFresh(stored)) return stored;
        if (held === undefined) {
          const refused = `The CRM no longer accepts the access token of this connection: ${howToReplace(account.crm)}.`;
          // What was refused for good is not asked again until a person has acted.
          await store.transact(account.workspaceId, (trx) => blockCalls(trx, account, refused, clock.now()));
          throw reconnect(refused);
        }
      }
      if (held === undefined) throw notConnected();
      if (await lease(account, held)) {
        const renewed = await refresh(account, held);
        if (renewed !== undefined) return renewed;
      } else if (performance.now() > patientUntil) {
        throw new SangamError({
          code: 'refresh_waits',
          origin: 'crm',
          retry: 'later',
          message: "Another process has been renewing this account's token for too long.",
        });
      } else {
        await wait(lookAgainMs);
      }
    }
  };

  const renew = async (account: Account, used: string | undefined): Promise<Token> => {
    for (;;) {
      const { connectionId } = account;
      let running = renewing.get(connectionId);
      if (running === undefined) {
        running = renewOnce(account, used).finally(() => renewing.delete(connectionId));
        renewing.set(connectionId, running);
      }
      const renewed = await running;
      if (renewed.token !== used) return renewed;
    }
  };

  /** Renews ahead of time; while the vendor cannot, what still is valid goes on being used. */
  const renewEarly = async (account: Account, known: Token): Promise<Token> => {
    const valid = known.expiresAt !== null && known.expiresAt > Date.now();
    if (valid && (pausedUntil.get(account.connectionId) ?? 0) > Date.now()) return known;
    try {
      return await renew(account, known.token);
    } catch (error) {
      if (!valid || (error instanceof SangamError && error.retry === 'never')) throw error;
      pausedUntil.set(account.connectionId, Date.now() + pauseMs);
      return known;
    }
  };

  return {
    async heldOf(connection) {
      const row = await read(connection);
      return row === undefined ? {} : opened(row);
    },

    credentialsOf(connection) {
      const account: Account = connection;
      const { connectionId, accessToken, tokenExpiresAt } = connection;
      if (accessToken === null) remembered.delete(connectionId);
      else if (remembered.get(connectionId)?.sealed.equals(accessToken) !== true) {
        remember(account, accessToken, tokenExpiresAt);
      }
      return {
        async accessToken() {
          const known = remembered.get(connectionId);
          if (known === undefined) return (await renew(account, undefined)).token;
          return (isFresh(known) ? known : await renewEarly(account, known)).token;
        },
        async expired(token) {
          const known = remembered.get(connectionId);
          if (known === undefined || known.token === token) await renew(account, token);
        },
      };
    },
  };
}

/** What renews a connection's token, as it was read. */
type Held = RenewalKey & Pick<StoredCredentials, 'refreshToken' | 'secret'>;

function heldIn({ authKind: kind, refreshToken, secret }: StoredCredentials): Held | undefined {
  if (kind === 'keys') return undefined;
  const key = kind === 'oauth' ? refreshToken : secret;
  return key === null ? undefined : { kind, key, refreshToken, secret };
}

/** What `Grant.secret` was. */
function savedIn(json: string): Readonly<Record<string, string>> {
  return z.record(z.string(), z.string()).parse(JSON.parse(json));
}

function isFresh({ expiresAt }: Token): boolean {
  return expiresAt === null || expiresAt - earlyMs > Date.now();
}

function reconnect(message: string): SangamError {
  return new SangamError({ code: 'reconnect', origin: 'crm', retry: 'never', message });
}

function notConnected(): SangamError {
  return reconnect('This account is not connected: connect it again.');
}

function noApp(): SangamError {
  return new SangamError({
    code: 'no_oauth_app',
    origin: 'crm',
    retry: 'never',
    message:
      'This installation has no app in that CRM, so that the token cannot be renewed: set its client id and secret.',
  });
}
