import type { CrmChange, Connector, ScanPage } from '@sangam/core/crm';
import type { OpenAccount } from '../conformance/account.ts';
import type { CrmWorkspace } from './crm-workspace.ts';
import type { CrmFixture } from './crm-fixture.ts';

/** The account's webhooks tell this, in this order, and it is applied, each for itself. */
export async function tell(
  fixture: CrmFixture,
  crm: CrmWorkspace,
  ...changes: readonly CrmChange[]
): Promise<void> {
  const { workspaceId, connectionId } = crm;
  for (const change of changes) {
    await fixture.process.changes.receive(
      crm.connector.traits.crm,
      [{ account: crm.account.account, changes: [change] }],
      { kind: 'connection', workspaceId, connectionId },
      Buffer.from(''),
    );
    await fixture.process.apply();
  }
}

/** Accounts whose connectors scan, list their fields and tell what was not delivered as `by` makes of it. */
export function scanning(
  open: OpenAccount,
  by: {
    scan?: (page: ScanPage, from: Parameters<Connector['scan']>[0]) => ScanPage | Promise<ScanPage>;
    fields?: () => void;
    undelivered?: NonNullable<Connector['undelivered']>;
  },
): OpenAccount {
  return async (clock) => {
    const account = await open(clock);
    return {
      ...account,
      connect(permits, facts) {
        const connector = account.connect(permits, facts);
        return {
          ...connector,
          ...(by.undelivered === undefined ? {} : { undelivered: by.undelivered }),
          get traits() {
            return connector.traits;
          },
          async fields() {
            by.fields?.();
            return connector.fields();
          },
          async scan(from, ...rest) {
            const page = await connector.scan(from, ...rest);
            return (await by.scan?.(page, from)) ?? page;
          },
        };
      },
    };
  };
}
