import type { Connector } from '@sangam/core/crm';
import { SangamError } from '@sangam/core/errors';
import type { Connectors } from '@sangam/core/pipeline';
import type { ConnectionRow } from '@sangam/core/store';
import { createHubspotConnector, hubspotBasePath } from '@sangam/connectors/hubspot';
import type { SecretBox } from './secrets.ts';

/** Builds each connection's connector once and provisions it before its first use. */
export function createConnectors(box: SecretBox, sandboxUrl: () => Promise<string | undefined>): Connectors {
  const ready = new Map<string, { readonly name: string; readonly connector: Promise<Connector> }>();

  const build = async (
    connection: ConnectionRow,
    basePath: string,
    accessToken: string,
  ): Promise<Connector> => {
    if (connection.crm !== 'hubspot') {
      throw new SangamError({
        code: 'unknown_crm',
        origin: 'us',
        retry: 'never',
        message: `There is no connector for '${connection.crm}'.`,
      });
    }
    const connector = createHubspotConnector({ basePath, accessToken: () => Promise.resolve(accessToken) });
    await connector.provision();
    return connector;
  };

  const connectorOf = async (connection: ConnectionRow): Promise<Connector> => {
    if (connection.accessToken === null) {
      throw new SangamError({
        code: 'not_connected',
        origin: 'crm',
        retry: 'never',
        message: 'This connection has no access token. Connect the CRM again.',
      });
    }
    const sandbox = connection.sandbox ? await sandboxUrl() : undefined;
    if (connection.sandbox && sandbox === undefined) {
      throw new SangamError({
        code: 'sandbox_away',
        origin: 'crm',
        retry: 'later',
        message: 'No process runs the sandbox just now.',
      });
    }
    const basePath =
      sandbox === undefined ? hubspotBasePath('live') : hubspotBasePath('sandbox', `${sandbox}/hubspot`);
    const accessToken = box.open(connection.accessToken);
    // A new token or another sandbox is another connector.
    const name = `${basePath}|${accessToken}`;
    const known = ready.get(connection.connectionId);
    if (known?.name === name) return known.connector;
    const connector = build(connection, basePath, accessToken);
    ready.set(connection.connectionId, { name, connector });
    connector.catch(() => ready.delete(connection.connectionId));
    return connector;
  };

  return { of: connectorOf, forget: (connection) => void ready.delete(connection.connectionId) };
}
