import { SangamError } from '@sangam/core/errors';
import type { CrmSite } from '../shared/crm.ts';
import { basePathOf } from '../shared/host.ts';
import { centreOfAccounts, centreOfApi, firstCentre } from './data-centres.ts';

/**
 * Where a site's accounts server and API are. A live one is where Zoho says, if that is one of Zoho's own hosts: whoever
 * comes back to us may have written the address themselves. A sandbox is its own for both.
 *
 * Throw `SangamError` `host_refused` (never) for any other address: it is no matter of ours, but of who said it.
 */
export function accountsAt(site: CrmSite, said: string): string {
  if (site.sandboxUrl !== undefined) return inSandbox(site.sandboxUrl, said);
  const centre = centreOfAccounts(said);
  if (centre === undefined) throw refused('accounts server');
  return centre.accounts;
}

export function apiAt(site: CrmSite, said: string | undefined): string {
  if (site.sandboxUrl !== undefined) return inSandbox(site.sandboxUrl, said);
  if (said === undefined || centreOfApi(said) === undefined) throw refused('API host');
  return new URL(said).origin;
}

function inSandbox(sandboxUrl: string, said: string | undefined): string {
  const base = basePathOf(firstCentre.api, 'sandbox', sandboxUrl);
  const named = said !== undefined && URL.canParse(said) ? new URL(said).href.replace(/\/+$/, '') : said;
  if (named !== undefined && named !== base) throw refused('sandbox host');
  return base;
}

function refused(what: string): SangamError {
  return new SangamError({
    code: 'host_refused',
    origin: 'crm',
    retry: 'never',
    message: `The address this account was said to be at is no ${what} of Zoho's: connect it again.`,
  });
}
