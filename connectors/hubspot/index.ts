export { createHubspotConnector, type HubspotConnectorOptions } from './connector.ts';
export { hubspotBasePath } from './host.ts';
