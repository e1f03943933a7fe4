import { graphBasePath, openCloudApi } from '@sangam/connectors/whatsapp';
import type { Providers } from '@sangam/core/pipeline';
import { noSuch, Refusal } from '@sangam/core/errors';
import { channelSending, type ChannelSending, isSandbox, type Store } from '@sangam/core/store';
import type { Provider } from '@sangam/core/whatsapp';
import { runningSandbox, type SandboxUrl } from '../running-sandbox.ts';
import type { SecretBox } from '../secrets/secrets.ts';

/** Opens channels at Meta, or at the sandbox's, each once for as long as its token stays. */
export function createProviders(options: {
  store: Store;
  box: SecretBox;
  /** Of the Graph API, such as `v26.0`. */
  version: string;
  sandboxUrl: SandboxUrl;
}): Providers {
  const { store, box, version } = options;
  const opened = new Map<
    string,
    { readonly sealed: Buffer; readonly basePath: string; readonly provider: Provider }
  >();

  const basePathFor = async (workspaceId: string): Promise<string> => {
    if (!(await store.transact(workspaceId, isSandbox))) return graphBasePath('live');
    return graphBasePath('sandbox', `${await runningSandbox(options.sandboxUrl, 'whatsapp')}/whatsapp`);
  };

  return {
    async of(workspaceId, { channelId, accessToken, phoneNumberId, wabaId }) {
      if (accessToken === null) return undefined;
      const basePath = await basePathFor(workspaceId);
      const known = opened.get(channelId);
      if (known?.sealed.equals(accessToken) === true && known.basePath === basePath) return known.provider;
      const provider = openCloudApi({
        basePath,
        version,
        phoneNumberId,
        wabaId,
        accessToken: box.open(accessToken),
      });
      opened.set(channelId, { sealed: accessToken, basePath, provider });
      return provider;
    },
  };
}

/** A channel and who carries it, for somebody who waits. Throws a `Refusal`: `no_such_channel`, `no_access_token`. */
export async function openChannel(
  { store, providers }: { readonly store: Store; readonly providers: Providers },
  workspaceId: string,
  channelId: string,
): Promise<{ readonly channel: ChannelSending; readonly provider: Provider }> {
  const channel = await store.transact(workspaceId, (trx) => channelSending(trx, channelId));
  if (channel === undefined) throw noSuch('channel');
  const provider = await providers.of(workspaceId, channel);
  if (provider === undefined) {
    throw new Refusal('conflict', 'no_access_token', 'The number has no access token: enter one first.');
  }
  return { channel, provider };
}
