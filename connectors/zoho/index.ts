export { zoho } from './crm.ts';
