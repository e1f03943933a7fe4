import { graphBasePath, ownNumber, type OwnNumber } from '@sangam/connectors/whatsapp';
import { canonicalPhone, regionOf } from '@sangam/core/identity';
import { runningSandbox, type SandboxUrl } from '../running-sandbox.ts';

/** Asks Meta, or the sandbox's, for a number by an access token. Throws as `ownNumber` does. */
export type OwnNumberReader = (
  workspace: { readonly sandbox: boolean },
  number: { readonly phoneNumberId: string; readonly wabaId: string; readonly accessToken: string },
) => Promise<OwnNumber>;

export function createOwnNumberReader(options: {
  /** Of the Graph API, such as `v26.0`. */
  version: string;
  sandboxUrl: SandboxUrl;
}): OwnNumberReader {
  return async ({ sandbox }, number) => {
    const { version } = options;
    if (!sandbox) return ownNumber({ basePath: graphBasePath('live'), version, ...number });
    const url = await runningSandbox(options.sandboxUrl, 'whatsapp');
    return ownNumber({ basePath: graphBasePath('sandbox', `${url}/whatsapp`), version, ...number });
  };
}

/** ISO 3166 alpha-2 of a number as people write it; undefined: it cannot be read. */
export function regionOfNumber(displayPhoneNumber: string): string | undefined {
  const phone = canonicalPhone(displayPhoneNumber.replace(/\D/g, ''));
  return phone === undefined ? undefined : regionOf(phone);
}
