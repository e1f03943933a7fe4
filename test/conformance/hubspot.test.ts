import { openHubspotAccount } from './hubspot-account.ts';
import { describeConformance } from './suite.ts';

describeConformance('HubSpot', openHubspotAccount);
