import { basePathOf } from '../shared/host.ts';
import { apiOrigin } from './vendor.ts';

/** Where a workspace's HubSpot is reached. Throws as `basePathOf` does. */
export function hubspotBasePath(workspace: 'live' | 'sandbox', wanted?: string): string {
  return basePathOf(apiOrigin, workspace, wanted);
}
