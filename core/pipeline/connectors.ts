import type { Connector } from '../crm/index.ts';
import type { ConnectionRow } from '../store/index.ts';

/** The connectors of installed CRM accounts. */
export interface Connectors {
  /** Throws `SangamError` where the account cannot be reached for a reason known beforehand. */
  of(connection: ConnectionRow): Promise<Connector>;
  /** Its account has to be looked at anew before the next call. */
  forget(connectionId: string): void;
}
