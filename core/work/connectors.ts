import type { Connector, ConnectorTraits } from '../crm/index.ts';
import type { ConnectionRow } from '../store/index.ts';

/** Whatever would call an account that was let go says so. */
export const wasDisconnected = 'This account was disconnected: connect it again.';

/** The connectors of installed CRM accounts. */
export interface Connectors {
  /** Throws `SangamError` where the account cannot be reached for a reason known beforehand. */
  of(connection: ConnectionRow): Promise<Connector>;
  /** Its account has to be looked at anew before the next call. */
  forget(connectionId: string): void;
}

/** What is so of a CRM whoever's account it is; undefined: there is no such connector. */
export type TraitsOf = (crm: string) => ConnectorTraits | undefined;
