import { z } from 'zod';
import type { CrmApp, CrmConfiguration } from '../shared/crm.ts';
import { token } from '../shared/variables.ts';

/** What the environment may say of HubSpot. docs/hubspot-setup.md leads an admin to each. */
const variables = {
  HUBSPOT_CLIENT_ID: token(8).optional(),
  HUBSPOT_CLIENT_SECRET: token(16).optional(),
  HUBSPOT_CLIENT_SECRET_PREVIOUS: token(16).optional(),
  HUBSPOT_ACCESS_TOKEN: token(10).optional(),
};
const schema = z.object(variables);

export const appVariables = ['HUBSPOT_CLIENT_ID', 'HUBSPOT_CLIENT_SECRET'] as const;

export const configuration: CrmConfiguration = {
  variables,
  usualNames: {
    HUBSPOT_TOKEN: 'HUBSPOT_ACCESS_TOKEN',
    HUBSPOT_API_KEY: 'HUBSPOT_ACCESS_TOKEN',
    HUBSPOT_PRIVATE_APP_TOKEN: 'HUBSPOT_ACCESS_TOKEN',
    HUBSPOT_APP_SECRET: 'HUBSPOT_CLIENT_SECRET',
  },
  read(values) {
    const read = schema.parse(values);
    const app = appOf(read);
    const { HUBSPOT_ACCESS_TOKEN: accessToken } = read;
    return {
      ...(app === undefined ? {} : { app }),
      ...(accessToken === undefined ? {} : { accessToken }),
    };
  },
};

function appOf(read: z.infer<typeof schema>): CrmApp | undefined {
  const {
    HUBSPOT_CLIENT_ID: clientId,
    HUBSPOT_CLIENT_SECRET: clientSecret,
    HUBSPOT_CLIENT_SECRET_PREVIOUS: previousClientSecret,
  } = read;
  if (clientId === undefined && clientSecret === undefined && previousClientSecret === undefined) {
    return undefined;
  }
  if (clientId === undefined || clientSecret === undefined) {
    const missing = clientId === undefined ? 'HUBSPOT_CLIENT_ID' : 'HUBSPOT_CLIENT_SECRET';
    throw new Error(`A HubSpot app needs ${missing} as well: both are on the app's page. See .env.example.`);
  }
  return { clientId, clientSecret, ...(previousClientSecret === undefined ? {} : { previousClientSecret }) };
}
