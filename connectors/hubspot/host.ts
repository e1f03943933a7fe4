import { type Retry, SangamError } from '@sangam/core/errors';
import { apiOrigin } from './vendor.ts';

/** Names of the machine itself. A sandbox answers nothing else (design.md §4). */
const loopbackHosts: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost']);

/**
 * Where a workspace's HubSpot is reached: a live one at HubSpot itself and nowhere else, a sandbox one at a sandbox on
 * this machine and nowhere else. `sandboxUrl` is the sandbox's root, such as `http://127.0.0.1:8080/sandbox`;
 * undefined while none is running.
 *
 * Throws `SangamError` of origin us: `host_refused` (never) for any other address, `sandbox_absent` (later) for a
 * sandbox workspace without one.
 */
export function hubspotBasePath(options: {
  readonly sandboxWorkspace: boolean;
  readonly sandboxUrl: string | undefined;
}): string {
  const { sandboxWorkspace, sandboxUrl } = options;
  if (!sandboxWorkspace) {
    if (sandboxUrl === undefined) return apiOrigin;
    throw refused('host_refused', 'never', 'A live workspace does not talk to a sandbox');
  }
  if (sandboxUrl === undefined) throw refused('sandbox_absent', 'later', 'No sandbox is running yet');
  const url = URL.canParse(sandboxUrl) ? new URL(sandboxUrl) : undefined;
  if (url === undefined || !isPlain(url) || !loopbackHosts.has(url.hostname)) {
    const example = 'http://127.0.0.1:8080/sandbox';
    throw refused(
      'host_refused',
      'never',
      `A sandbox workspace talks only to a sandbox on this machine: ${example}`,
    );
  }
  return `${url.href.replace(/\/+$/, '')}/hubspot`;
}

/** Nothing but scheme, host, port and path: whatever else a URL can carry has no business here. */
function isPlain(url: URL): boolean {
  return url.protocol === 'http:' && url.href === `${url.origin}${url.pathname}`;
}

function refused(code: string, retry: Retry, message: string): SangamError {
  return new SangamError({ code, origin: 'us', retry, message: `${message}.` });
}
