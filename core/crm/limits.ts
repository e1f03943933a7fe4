/** Who waits for a call; when a limit grows short the first are served and the last wait. */
export const priorities = ['consent', 'new lead', 'fields', 'timeline', 'import'] as const;
export type Priority = (typeof priorities)[number];

/** How the calls of one CRM account are limited. What a call costs of each limit its connector says. */
export type CallLimit =
  /** So many in any such time: they are spread over it. */
  | { readonly kind: 'rolling'; readonly calls: number; readonly perMs: number }
  /**
   * So many until it starts anew: spent freely, never spread. Of what is left, below the share `pressing` only new people and
   * consent are served, below `consent` consent alone.
   */
  | {
      readonly kind: 'budget';
      readonly tokens: number;
      /** Each midnight in this time zone (IANA), or a day after its first call. */
      readonly renewed: { readonly midnightIn: string } | 'a day later';
      readonly reserves: { readonly pressing: number; readonly consent: number };
    }
  /** So many under way at once; the last place is kept for consent. */
  | { readonly kind: 'concurrent'; readonly most: number };

export interface CallNeed {
  /** The name of the limit. */
  readonly limit: string;
  /** Calls, or tokens of a budget. */
  readonly cost: number;
}

/** What a vendor's answer says of a budget, which others may spend too. */
export interface BudgetNews {
  readonly left: number;
  /** How large it is, where that is told. */
  readonly of?: number;
  /** When it starts anew, milliseconds, where that is told. */
  readonly renewedAt?: number;
}

/** Leave for one call. */
interface Permit {
  /** The call has ended: another one may be under way in its place. */
  release(): Promise<void>;
}

/** Lets calls through as the account's limits allow. */
export interface Permits {
  /**
   * Resolves when a call may be made that costs this much of each; throws `LimitWait` when that would take longer than a
   * caller should hold its lease.
   */
  take(needs: readonly CallNeed[], priority: Priority): Promise<Permit>;
  learn(budget: string, news: BudgetNews): Promise<void>;
}
