import type { IncomingHttpHeaders } from 'node:http';
import type {
  AccountChanges,
  Connector,
  ConnectorTraits,
  Credentials,
  KnownFacts,
  Permits,
} from '@sangam/core/crm';
import type { z } from 'zod';

/**
 * A CRM as one value: all that the service has to know of it, as data and functions over bytes and headers. HTTP routes, the
 * database and what is kept sealed are the service's. docs/connectors.md tells how one is added.
 */
export interface Crm {
  readonly traits: ConnectorTraits;
  readonly configuration: CrmConfiguration;
  /** Connecting through an app of ours that an admin agrees to; undefined: this CRM knows no such apps. */
  readonly oauth?: CrmOauth;
  /** Connecting by what an admin types in; undefined: there is nothing to type in. */
  readonly form?: CrmForm;
  /** Whose account it is. Throws `SangamError`: `reconnect` (never) where the CRM takes nothing of the kind. */
  accountOf(site: CrmSite, access: Access): Promise<CrmAccount>;
  /** The port to one account. Throws `SangamError` `host_refused` (never) for an address that is none of this CRM's. */
  open(
    site: CrmSite,
    account: {
      readonly credentials: Credentials;
      readonly permits: Permits;
      readonly apiBase: string | undefined;
      readonly facts: KnownFacts;
    },
  ): Connector;
  readonly webhooks: CrmWebhooks;
  /** What the CRM's own automation calls; undefined: it calls nothing. */
  readonly actions?: CrmActions;
  /** Pages of ours within the CRM's own, and who looks at them; undefined: none stand there. */
  readonly session?: CrmSession;
  /** What a body of this CRM says that was kept: a webhook's as it came, an action's as `actions.read` keeps it. */
  readKept(body: Buffer): readonly AccountChanges[];
}

/** Where a workspace's accounts are, and what Sangam is there. */
export interface CrmSite {
  /** A sandbox's address, such as `http://127.0.0.1:8080/sandbox/hubspot`; undefined: the vendor itself. */
  readonly sandboxUrl: string | undefined;
  /** Undefined: no app of ours is configured. */
  readonly app: CrmApp | undefined;
}

/** The same where an app of ours stands. */
interface AppSite extends CrmSite {
  readonly app: CrmApp;
}

/** What Sangam is to a CRM: an app with a name and a secret, which also signs. */
export interface CrmApp {
  readonly clientId: string;
  readonly clientSecret: string;
  /** By the vendor's name of a data centre: those where it is another one than `clientSecret`. */
  readonly clientSecrets?: Readonly<Record<string, string>>;
  /** While the secret is being changed: the one before. */
  readonly previousClientSecret?: string;
}

/** What an installation's environment says of a CRM. `.env.example` explains each variable; a test holds them together. */
export interface CrmConfiguration {
  /** By their names, which begin with the CRM's own in capitals: `HUBSPOT_CLIENT_ID`. All may be left out. */
  readonly variables: Readonly<Record<string, z.ZodType>>;
  /** What others call them, each with ours, for a hint: `{HUBSPOT_TOKEN: 'HUBSPOT_ACCESS_TOKEN'}`. */
  readonly usualNames: Readonly<Record<string, string>>;
  /** What they come to. Throws an `Error` that names the variable and what it should be. */
  read(values: Readonly<Record<string, unknown>>): CrmSettings;
}

export interface CrmSettings {
  readonly app?: CrmApp;
  /** Opens the one account this installation is for, as a form of `keys` keeps it. */
  readonly accessToken?: string;
}

/** What every call to an account carries. */
export interface Access {
  /** As the connector itself reads it: a token, or several keys as JSON. */
  readonly accessToken: string;
  /** Where the vendor says this account is; undefined: all are at one address. */
  readonly apiBase?: string | undefined;
}

/** What opens an account until it expires. */
export interface Grant extends Access {
  /** The newest, where the vendor gives one. */
  readonly refreshToken?: string;
  /** Milliseconds of the machine's time; undefined: it is good until it is refused. */
  readonly expiresAt?: number;
  /** What the next is asked for with, beside a refresh token or in place of one. */
  readonly secret?: Readonly<Record<string, string>>;
}

/** What is held to get the next `Grant`. */
export interface Renewable {
  readonly refreshToken?: string;
  readonly secret?: Readonly<Record<string, string>>;
}

export interface CrmAccount {
  /** The vendor's id of it, without blanks. */
  readonly account: string;
  /** IANA name. */
  readonly timeZone?: string | undefined;
}

/**
 * OAuth's code flow. Calls throw `SangamError`: `reconnect` (never) where the account's admin has to agree again,
 * `client_config` (never) where our app's own settings are wrong and no account is to blame, and what passes with time as
 * `later` or `{afterMs}`.
 */
interface CrmOauth {
  /** The variables that name the app, for who has to set or check them. */
  readonly appVariables: readonly string[];
  /** Whether a code is bound to a verifier (RFC 7636, S256). */
  readonly pkce: boolean;
  /** Where an admin agrees. */
  authorizeUrl(
    site: AppSite,
    asked: { readonly redirectUri: string; readonly state: string; readonly codeChallenge?: string },
  ): string;
  /** `query`: all that the admin came back with, `code` among it. */
  exchange(
    site: AppSite,
    query: { readonly code: string } & Readonly<Record<string, string>>,
    asked: { readonly redirectUri: string; readonly codeVerifier?: string },
  ): Promise<Grant>;
  refresh(site: AppSite, held: Renewable): Promise<Grant>;
  /** Takes our app out of the account, by what opens it or by what that is renewed with; undefined: the CRM has no call for it. */
  uninstall?(site: CrmSite, access: Access, held: Renewable): Promise<void>;
  /**
   * Whose account an admin took our app out of there, where the CRM tells it by a DELETE to the address we are called back
   * at; undefined: the request is not this app's. In constant time.
   */
  uninstalled?(app: CrmApp, request: CrmRequest): string | undefined;
}

/** What an admin types in: keys that are sent with every call, or what tokens are minted with as often as they end. */
export type CrmForm = {
  readonly fields: Readonly<Record<string, z.ZodType<string, string>>>;
  /** What it takes, for who has not got it: `connect with the access token of a private app`. */
  readonly help: string;
  /** What to do when the CRM no longer takes it. */
  readonly replace: string;
  /**
   * Tries it. A grant that was minted holds in `secret` what the next is minted with. Throws a `Refusal` that names the field
   * and what to do, or `SangamError` as `accountOf` does.
   */
  connect(
    site: CrmSite,
    typed: Readonly<Record<string, string>>,
  ): Promise<{ readonly grant: Grant; readonly account: CrmAccount }>;
} & (
  { readonly kind: 'keys' } | { readonly kind: 'mint'; mint(site: CrmSite, held: Renewable): Promise<Grant> }
);

/** A request as it came. */
export interface CrmRequest {
  readonly method: string;
  /** The full public URL, query included. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** The raw bytes. */
  readonly body: Buffer;
}

/** What comes in signed. */
interface SignedInput {
  readonly mostBytes: number;
  /** Whether anybody could have signed a request with these headers, before its body is read. `now`: milliseconds. */
  maySign(headers: IncomingHttpHeaders, now: number): boolean;
  /** Whether one of these secrets signed it, in constant time. */
  verify(request: CrmRequest, secrets: readonly string[], now: number): boolean;
  /** What an answer of 401 says. */
  readonly badSignature: string;
}

interface CrmWebhooks extends SignedInput {
  /** Whether each account's come to an address and with a secret of its own, whatever opens it; else an app of ours signs. */
  readonly ofEachAccount: boolean;
  /** Total: what cannot be read, or speaks of something else, is left out and counted. */
  read(body: Buffer): { readonly accounts: readonly AccountChanges[]; readonly unread: number };
  /** What the CRM wants to hear, as JSON; undefined: an empty 200 will do. */
  readonly answer?: object;
}

interface CrmActions extends SignedInput {
  /** What a call of this action says, and the body to keep of it. Undefined: it is none. `at`: its receipt, milliseconds. */
  read(
    action: string,
    body: Buffer,
    at: number,
  ): { readonly accounts: readonly AccountChanges[]; readonly kept: Buffer } | undefined;
  /** Answers, as JSON: it was taken in; it is no call of an action. */
  readonly taken: object;
  readonly unreadable: object;
}

/** Who looks at a page of ours within the CRM's, as the CRM itself signed it. */
export interface SessionProof {
  /** The vendor's id of the account. */
  readonly account: string;
  readonly user: { readonly id: string; readonly email?: string };
  /** What they look at, where the CRM proves that too. */
  readonly recordId?: string;
}

interface CrmSession extends SignedInput {
  /** Undefined: the request says of nobody, or of several, who looks. Asked of what was signed alone. */
  read(request: CrmRequest): SessionProof | undefined;
}
