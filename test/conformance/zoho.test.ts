import { describeConformance } from './suite.ts';
import { openZohoAccount } from './zoho-account.ts';

describeConformance('Zoho CRM', openZohoAccount);
