import type { CrmApp, CrmSettings, CrmSite } from '@sangam/connectors/registry';
import { runningSandbox, type SandboxUrl } from '../running-sandbox.ts';

/** A CRM's app that may call us, and whether it stands in a sandbox. */
interface OwnApp {
  readonly sandbox: boolean;
  readonly app: CrmApp;
}

/** The two places accounts can be: the vendor itself, and a sandbox. A workspace is tied to one of them. */
export interface CrmApps {
  /** Throws `SangamError` `sandbox_away` (later) while no process runs the sandbox. */
  of(crm: string, workspace: { readonly sandbox: boolean }): Promise<CrmSite>;
  /** The installation's app at the vendor. */
  appOf(crm: string): CrmApp | undefined;
  apps(crm: string): readonly OwnApp[];
}

/** What an app may sign with: while its secret is being changed, the one before too. */
export function secretsOf({ clientSecret, previousClientSecret: previous }: CrmApp): readonly string[] {
  return previous === undefined ? [clientSecret] : [clientSecret, previous];
}

export function createCrmApps(options: {
  /** What the environment says of each CRM, by its name. */
  settings: Readonly<Record<string, CrmSettings>>;
  sandboxApp: (crm: string) => CrmApp | undefined;
  sandboxUrl: SandboxUrl;
}): CrmApps {
  const { settings, sandboxApp, sandboxUrl } = options;
  const appOf = (crm: string): CrmApp | undefined => settings[crm]?.app;
  return {
    appOf,
    apps(crm) {
      const [live, inSandbox] = [appOf(crm), sandboxApp(crm)];
      return [
        ...(live === undefined ? [] : [{ sandbox: false, app: live }]),
        ...(inSandbox === undefined ? [] : [{ sandbox: true, app: inSandbox }]),
      ];
    },
    async of(crm, { sandbox }) {
      if (!sandbox) return { sandboxUrl: undefined, app: appOf(crm) };
      const url = await runningSandbox(sandboxUrl, 'crm');
      return { sandboxUrl: `${url}/${crm}`, app: sandboxApp(crm) };
    },
  };
}
