import { SangamError } from '@sangam/core/errors';
import { apiOrigin } from './vendor.ts';

/** Names of the machine itself. A sandbox answers nothing else (design.md §4). */
const loopbackHosts: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost']);

/**
 * Where a workspace's HubSpot is reached: a live one only at HubSpot itself, a sandbox one only at a sandbox on this
 * machine. `wanted` is the configured base path; a live workspace needs none.
 *
 * Throws `SangamError` `host_refused` (origin us, never) for any other address.
 */
export function hubspotBasePath(workspace: 'live' | 'sandbox', wanted?: string): string {
  if (workspace === 'live') {
    if (wanted === undefined || (URL.canParse(wanted) && new URL(wanted).href === `${apiOrigin}/`))
      return apiOrigin;
    throw refused(`A live workspace talks to ${apiOrigin} only`);
  }
  if (wanted === undefined || !URL.canParse(wanted))
    throw refused('A sandbox workspace needs the URL of its sandbox');
  const url = new URL(wanted);
  const plain = url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  if (!plain || url.protocol !== 'http:' || !loopbackHosts.has(url.hostname)) {
    throw refused(
      'A sandbox workspace talks only to a sandbox on this machine, such as http://127.0.0.1:8080/sandbox/hubspot',
    );
  }
  return url.href.replace(/\/+$/, '');
}

function refused(message: string): SangamError {
  return new SangamError({ code: 'host_refused', origin: 'us', retry: 'never', message: `${message}.` });
}
