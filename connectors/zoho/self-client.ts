import { Refusal, SangamError } from '@sangam/core/errors';
import { z } from 'zod';
import type { CrmForm } from '../shared/crm.ts';
import { centreNamed, dataCentres } from './data-centres.ts';
import { accountsAt } from './host.ts';
import { accountOf, exchangeTyped, mintTyped } from './oauth.ts';

/** A client an admin makes for their own org in Zoho's API console, and the code they draw there. docs/vendors/zoho.md §1.3. */

const typedToken = (what: string): z.ZodType<string, string> =>
  z
    .string()
    .trim()
    .max(4_096)
    .regex(/^[\x21-\x7e]{8,}$/, `must be the self client's ${what}, whole and without blanks`);

const fields = {
  clientId: typedToken('client id'),
  clientSecret: typedToken('client secret'),
  grantToken: typedToken('code'),
  dataCentre: z
    .string()
    .trim()
    .toLowerCase()
    .refine(
      (name) => centreNamed(name) !== undefined,
      `must be where your Zoho account is: ${dataCentres.map(({ name }) => name).join(', ')} (zoho.com is us, zoho.in is in)`,
    ),
};
const typedFields = z.object(fields);

export const selfClient: CrmForm = {
  kind: 'mint',
  fields,
  help: "connect with a self client: its id, its secret and a code it has just drawn, each from Zoho's API console",
  replace: 'draw a new code in the API console and connect again',
  async connect(site, typed) {
    const { clientId, clientSecret, grantToken, dataCentre } = typedFields.parse(typed);
    const accounts = site.sandboxUrl ?? centreNamed(dataCentre)?.accounts ?? '';
    const client = { clientId, clientSecret, accountsServer: accountsAt(site, accounts) };
    const grant = await exchangeTyped(site, client, grantToken).catch((error: unknown) => {
      if (!(error instanceof SangamError)) throw error;
      const { code, message } = error;
      if (code === 'reconnect') throw refused('grantToken', message);
      if (code === 'client_config') throw refused('clientId', message);
      throw error;
    });
    return { grant, account: await accountOf(site, grant) };
  },
  mint: mintTyped,
};

function refused(path: keyof typeof fields, message: string): Refusal {
  return new Refusal('invalid', 'token_refused', message, [{ path, message }]);
}
