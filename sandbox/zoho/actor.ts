import { z } from 'zod';
import { appUser, deskUser } from './org.ts';

/** What a write can start of the customer's. docs/vendors/zoho.md §7.1. */
const triggered = ['workflow', 'approval', 'blueprint', 'pathfinder', 'orchestration'] as const;
const cadences = 'cadences';

/** Who writes, and what of the customer's automation it starts. */
export interface Actor {
  readonly userId: string;
  /** In a page, as text. */
  readonly typed: boolean;
  readonly starts: ReadonlySet<string>;
  /** `If-Unmodified-Since`, milliseconds. */
  readonly unmodifiedSince?: number | undefined;
}

export const byDesk: Actor = {
  userId: deskUser.id,
  typed: true,
  starts: new Set([...triggered, cadences, 'assignment_rule']),
};

export const writeOptions = z.object({
  trigger: z.array(z.string()).optional(),
  lar_id: z.string().optional(),
  skip_feature_execution: z.array(z.object({ name: z.string() })).default([]),
});

/** An app that writes so. Assignment rules are named, or run with everything else. */
export function byApp(
  { trigger, lar_id: rule, skip_feature_execution: skipped }: z.infer<typeof writeOptions>,
  unmodifiedSince?: string,
): Actor {
  const starts = new Set<string>(trigger ?? triggered);
  if (!skipped.some(({ name }) => name === cadences)) starts.add(cadences);
  if (trigger === undefined || rule !== undefined) starts.add('assignment_rule');
  const since = unmodifiedSince === undefined ? undefined : Date.parse(unmodifiedSince);
  return { userId: appUser.id, typed: false, starts, unmodifiedSince: since };
}
