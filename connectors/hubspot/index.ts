export { hubspot } from './crm.ts';
