export { graphBasePath, ownNumber, type OwnNumber } from './graph.ts';
