import type { Store } from '../store/index.ts';

/** Where typed numbers are read when a workspace has no channel that says otherwise. */
const defaultRegion = 'IN';
const rememberedMs = 60_000;

const regions = new WeakMap<Store, Map<string, { readonly at: number; readonly region: string }>>();

/** ISO 3166 alpha-2 by which a workspace's typed numbers are read: that of its first channel. */
export async function regionOfWorkspace(store: Store, workspaceId: string): Promise<string> {
  const known = regions.get(store) ?? new Map<string, { at: number; region: string }>();
  regions.set(store, known);
  const remembered = known.get(workspaceId);
  if (remembered !== undefined && performance.now() - remembered.at < rememberedMs) return remembered.region;
  const channel = await store.directory
    .selectFrom('directory_channels')
    .select('region')
    .where('directory_channels.workspace_id', '=', workspaceId)
    .orderBy('channel_id')
    .executeTakeFirst();
  const region = channel?.region ?? defaultRegion;
  known.set(workspaceId, { at: performance.now(), region });
  return region;
}
