import { z } from 'zod';
import type { CrmApp, CrmConfiguration } from '../shared/crm.ts';
import { token } from '../shared/variables.ts';
import { dataCentres } from './data-centres.ts';

/** What the environment may say of Zoho CRM. docs/zoho-setup.md leads an admin to each. */
const secret = token(16).optional();
const variables = {
  ZOHO_CLIENT_ID: token(8).optional(),
  ZOHO_CLIENT_SECRET: secret,
  // Zoho gives a secret for each data centre where that was chosen. docs/vendors/zoho.md §1.1
  ZOHO_CLIENT_SECRET_EU: secret,
  ZOHO_CLIENT_SECRET_IN: secret,
  ZOHO_CLIENT_SECRET_AU: secret,
  ZOHO_CLIENT_SECRET_CN: secret,
  ZOHO_CLIENT_SECRET_JP: secret,
  ZOHO_CLIENT_SECRET_CA: secret,
  ZOHO_CLIENT_SECRET_SA: secret,
  ZOHO_CLIENT_SECRET_UK: secret,
  ZOHO_CLIENT_SECRET_AE: secret,
};
const schema = z.object(variables);

export const appVariables = ['ZOHO_CLIENT_ID', 'ZOHO_CLIENT_SECRET'] as const;

export const configuration: CrmConfiguration = {
  variables,
  usualNames: {
    ZOHO_CRM_CLIENT_ID: 'ZOHO_CLIENT_ID',
    ZOHO_CRM_CLIENT_SECRET: 'ZOHO_CLIENT_SECRET',
    ZOHO_APP_SECRET: 'ZOHO_CLIENT_SECRET',
  },
  read(values) {
    const app = appOf(schema.parse(values));
    return app === undefined ? {} : { app };
  },
};

function appOf(read: z.infer<typeof schema>): CrmApp | undefined {
  const { ZOHO_CLIENT_ID: clientId, ZOHO_CLIENT_SECRET: clientSecret } = read;
  if (Object.values(read).every((one) => one === undefined)) return undefined;
  if (clientId === undefined || clientSecret === undefined) {
    const missing = clientId === undefined ? 'ZOHO_CLIENT_ID' : 'ZOHO_CLIENT_SECRET';
    throw new Error(`A Zoho client needs ${missing} as well: both are in the API console. See .env.example.`);
  }
  const byCentre = new Map(Object.entries(read));
  const clientSecrets = Object.fromEntries(
    dataCentres.flatMap(({ name }) => {
      const own = byCentre.get(`ZOHO_CLIENT_SECRET_${name.toUpperCase()}`);
      return own === undefined ? [] : [[name, own]];
    }),
  );
  return { clientId, clientSecret, ...(Object.keys(clientSecrets).length === 0 ? {} : { clientSecrets }) };
}
