import { hubspotBasePath, hubspotOauth } from '@sangam/connectors/hubspot';
import { runningSandbox, type SandboxUrl } from './running-sandbox.ts';

/** What Sangam is to HubSpot: an app with a name and a secret. */
export interface HubspotApp {
  readonly clientId: string;
  readonly clientSecret: string;
  /** While the secret is being changed: the one before. */
  readonly previousClientSecret?: string;
}

/** Where a workspace's HubSpot accounts are, and the app that stands there. */
interface HubspotSite {
  readonly basePath: string;
  /** Undefined: no app is configured; accounts are connected by their own private app's token. */
  readonly app: HubspotApp | undefined;
  readonly oauth: ReturnType<typeof hubspotOauth>;
}

/** The two places HubSpot accounts can be: HubSpot itself, and a sandbox. A workspace is tied to one of them. */
export interface HubspotSites {
  /** Throws `sandbox_away` (later) while no process runs the sandbox. */
  of(workspace: { readonly sandbox: boolean }): Promise<HubspotSite>;
}

const authorizeUrl = 'https://app.hubspot.com/oauth/authorize';

export function createHubspotSites(options: {
  app: HubspotApp | undefined;
  sandboxApp: () => HubspotApp | undefined;
  sandboxUrl: SandboxUrl;
}): HubspotSites {
  const siteAt = (basePath: string, authorize: string, app: HubspotApp | undefined): HubspotSite => ({
    basePath,
    app,
    oauth: hubspotOauth({
      basePath,
      authorizeUrl: authorize,
      clientId: app?.clientId ?? '',
      clientSecret: app?.clientSecret ?? '',
    }),
  });
  return {
    async of({ sandbox }) {
      if (!sandbox) return siteAt(hubspotBasePath('live'), authorizeUrl, options.app);
      const url = await runningSandbox(options.sandboxUrl, 'crm');
      const basePath = hubspotBasePath('sandbox', `${url}/hubspot`);
      return siteAt(basePath, `${basePath}/oauth/authorize`, options.sandboxApp());
    },
  };
}
