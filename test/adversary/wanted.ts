export const crmNames = ['memory', 'hubspot'] as const;

export type CrmName = (typeof crmNames)[number];

/** Which lives to live: so many seeds, from this one on. */
interface Wanted {
  readonly from: number;
  readonly count: number;
  /** Undefined: each seed decides it, first of all; with one named the same seed is another life. */
  readonly crm: CrmName | undefined;
}

declare module 'vitest' {
  interface ProvidedContext {
    wantedLives: Wanted;
  }
}
