/** Who made a change, as HubSpot's webhooks name it. docs/vendors/hubspot.md §3.2. */
export interface ChangeSource {
  /** `CRM_UI` = a user, `INTEGRATION` = an app through the API. */
  readonly changeSource: 'CRM_UI' | 'INTEGRATION';
  /** `userId:<id>` or the app's id. */
  readonly sourceId: string;
}

/** Something that happened to a contact of the portal, told to whoever subscribed to it. `at` in milliseconds. */
export type PortalChange = { readonly at: number; readonly source: ChangeSource } & (
  | { readonly kind: 'creation' | 'deletion' | 'restore' | 'privacyDeletion'; readonly objectId: string }
  | {
      readonly kind: 'propertyChange';
      readonly objectId: string;
      readonly propertyName: string;
      /** '' = emptied. */
      readonly propertyValue: string;
    }
  | {
      readonly kind: 'merge';
      readonly primaryObjectId: string;
      readonly mergedObjectIds: readonly string[];
      readonly newObjectId: string;
      readonly numberOfPropertiesMoved: number;
    }
);

/** The user every control acts as: the first owner of owners.ts. docs/vendors/hubspot.md §3.2. */
export const byUser: ChangeSource = { changeSource: 'CRM_UI', sourceId: 'userId:2000001' };

/** An app acting through the API. */
export function byApp(appId: string): ChangeSource {
  return { changeSource: 'INTEGRATION', sourceId: appId };
}
