export { graphBasePath, ownNumber, type OwnNumber } from './graph.ts';
export { openCloudApi } from './cloud-api.ts';
