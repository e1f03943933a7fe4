export { readHubspotChanges } from './changes.ts';
export { createHubspotConnector, type HubspotConnectorOptions } from './connector.ts';
export { hubspotBasePath } from './host.ts';
export { hubspotOauth, type HubspotGrant, type HubspotOauth, hubspotScopes } from './oauth.ts';
export {
  mayBeHubspotSigned,
  type SignatureVersion,
  type SignedRequest,
  verifyHubspotSignature,
} from './signature.ts';
export { hubspotTraits } from './traits.ts';
