import type { AccountTraits, Connector } from '../crm/index.ts';
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

/** What is so of an account; undefined: there is no connector for its CRM. */
export type TraitsOf = (connection: Pick<ConnectionRow, 'crm' | 'facts'>) => AccountTraits | undefined;
