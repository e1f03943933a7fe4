import { SangamError } from '@sangam/core/errors';
import { isLoopback } from '@sangam/core/loopback';

/**
 * Where a workspace's vendor is reached: a live one at the vendor's own `origin` and nowhere else, a sandbox one at a sandbox
 * on this machine and nowhere else. `wanted` is the configured base path, such as `http://127.0.0.1:8080/sandbox/hubspot`; a
 * live workspace needs none.
 *
 * Throws `SangamError` `host_refused` (origin us, never) for any other address.
 */
export function basePathOf(origin: string, workspace: 'live' | 'sandbox', wanted?: string): string {
  const url = wanted !== undefined && URL.canParse(wanted) ? new URL(wanted) : undefined;
  if (workspace === 'live') {
    if (wanted === undefined || url?.href === `${origin}/`) return origin;
    throw refused(`A live workspace talks to ${origin} only`);
  }
  if (url === undefined || !isPlain(url) || !isLoopback(url.hostname)) {
    const example = 'http://127.0.0.1:8080/sandbox/hubspot';
    throw refused(`A sandbox workspace talks only to a sandbox on this machine, such as ${example}`);
  }
  return url.href.replace(/\/+$/, '');
}

/** Nothing but scheme, host, port and path: whatever else a URL can carry has no business here. */
function isPlain(url: URL): boolean {
  return url.protocol === 'http:' && url.href === `${url.origin}${url.pathname}`;
}

function refused(message: string): SangamError {
  return new SangamError({ code: 'host_refused', origin: 'us', retry: 'never', message: `${message}.` });
}
