/** Who waits for a call; when a limit grows short the first are served and the last wait. */
export const priorities = ['consent', 'new lead', 'fields', 'timeline', 'import'] as const;
export type Priority = (typeof priorities)[number];

/** So many calls in any such time, for one CRM account. */
export interface CallLimit {
  readonly calls: number;
  readonly perMs: number;
}

/** Lets calls through as the account's limits allow. */
export interface Permits {
  /**
   * Resolves when a call may be made; throws `LimitWait` when that would take longer
   * than a caller should hold its lease.
   */
  take(limit: string, priority: Priority): Promise<void>;
}
