import { openHubspotAccount } from './hubspot-account.ts';
import { describeConformance } from './suite.ts';

/** As HubSpot answered before, and may in an account it has not moved yet. */
describeConformance('HubSpot as it was', (clock) =>
  openHubspotAccount(clock, {
    mergeKeepsPrimaryId: true,
    mergeTellsDeletion: 'no',
    updateFailsPerItem: false,
  }),
);
