import { describeConformance } from './suite.ts';
import { openZohoAccount } from './zoho-account.ts';

/** An edition without modules of one's own, where Zoho does what nobody has confirmed otherwise than we believe. */
describeConformance('Zoho CRM otherwise', (clock) =>
  openZohoAccount(clock, {
    edition: 'professional',
    deadTokenCode: 'AUTHENTICATION_FAILURE',
    resultOrder: 'failures last',
    duplicateStatus: '2xx',
    unknownFields: 'refused',
    convertedContactTold: 'everywhere',
    convertedLeadCode: 'ID_ALREADY_CONVERTED',
    coqlRowsMax: 200,
    coqlConverted: 'left out',
    operationNames: 'create, edit, delete',
    triggerMutesWatch: true,
  }),
);
