import type { ChangeSource } from './portal-change.ts';

/** The user every desk and control acts as: the first owner of owners.ts. docs/vendors/hubspot.md §3.2. */
export const byUser: ChangeSource = { changeSource: 'CRM_UI', sourceId: 'userId:2000001' };

/** An app acting through the API. */
export function byApp(appId: string): ChangeSource {
  return { changeSource: 'INTEGRATION', sourceId: appId };
}
