import type { RequestHandler } from 'express';
import helmet from 'helmet';

const yearSeconds = 365 * 24 * 60 * 60;

/**
 * What every answer says to browsers: nothing of ours is loaded, framed or guessed at. A page says what it needs by a policy of
 * its own. `https`: the world reaches us by it, and by nothing else.
 */
export function securityHeaders(https: boolean): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], ...ofEveryPage },
    },
    strictTransportSecurity: https ? { maxAge: yearSeconds, includeSubDomains: false } : false,
  });
}

const ofEveryPage = { baseUri: ["'none'"], formAction: ["'none'"], frameAncestors: ["'none'"] };

/** Of a page with styles of its own and nothing else; `forms`: where its forms may go. */
export function pagePolicy(forms: "'none'" | "'self'"): string {
  return `default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action ${forms}; frame-ancestors 'none'`;
}
