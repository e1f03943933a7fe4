import { apiOrigin } from './graph.ts';

/** The token goes with the request, so only where Meta keeps media, and to a sandbox alone where that is what we talk to. */
export function holdsMedia(url: string, basePath: string): boolean {
  if (basePath !== apiOrigin) return url.startsWith(`${basePath}/`);
  const { protocol, hostname, port, username } = URL.canParse(url) ? new URL(url) : new URL('about:blank');
  return (
    protocol === 'https:' &&
    port === '' &&
    username === '' &&
    (hostname === 'graph.facebook.com' ||
      hostname === 'lookaside.facebook.com' ||
      hostname.endsWith('.fbsbx.com'))
  );
}
