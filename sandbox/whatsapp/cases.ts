import { z } from 'zod';
import { type Fault, faultSchema } from '../faults.ts';
import { graphCodes } from './graph-codes.ts';
import { toWaId } from './ids.ts';
import type { Person } from './people.ts';
import type { Template } from './template.ts';

/** What happens to sends, for one person or for all. README.md says how the parts combine. */

const trouble = faultSchema.pick({
  status: true,
  latencyMs: true,
  dropConnection: true,
  hangMs: true,
  garbage: true,
  commitAfterMs: true,
});

export const caseSchema = trouble
  .extend({
    /** Whose messages; nobody named: everybody's. */
    phone: z
      .string()
      .transform((written) => toWaId(written) ?? written)
      .optional(),
    userId: z.string().min(1).optional(),
    /** Only messages by these templates. */
    templates: z.array(z.string()).optional(),
    /** One of Graph's codes. */
    code: z.int().optional(),
    /** Refused at once; accepted and failed afterwards; accepted, and nothing more is ever heard of it. */
    when: z.enum(['at once', 'by status', 'never']).default('at once'),
    /** Accepted and held until somebody decides. */
    held: z.boolean().optional(),
    /** How many messages it happens to. */
    times: z.int().min(0).optional(),
  })
  .refine(({ when, code }) => when !== 'by status' || code !== undefined, {
    path: ['code'],
    message: 'a status fails with a code',
  });

export type Case = z.output<typeof caseSchema>;

/** The message a case may happen to. */
interface CaseTarget {
  readonly person: Person;
  readonly endpoint: 'messages' | 'marketing_messages';
  readonly template: Template | undefined;
  readonly isWindowOpen: boolean;
  readonly isFreeEntry: boolean;
}

export interface Cases {
  /** In place of the one for the same person. */
  put(one: Case): void;
  clear(): void;
  all(): (Case & { readonly left: number | null })[];
  /** What happens to this message; counts as having happened. One person's goes before everybody's. */
  next(target: CaseTarget): Case | undefined;
}

export function createCases(): Cases {
  let cases: { readonly one: Case; left: number }[] = [];
  const isSame = (a: Case, b: Case): boolean => a.phone === b.phone && a.userId === b.userId;
  return {
    put(one) {
      cases = [...cases.filter((other) => !isSame(other.one, one)), { one, left: one.times ?? Infinity }];
    },
    clear() {
      cases = [];
    },
    all: () => cases.map(({ one, left }) => ({ ...one, left: left === Infinity ? null : left })),
    next(target) {
      const fits = cases.filter(({ one, left }) => left > 0 && happensTo(one, target));
      const hit = fits.find(({ one }) => one.phone !== undefined || one.userId !== undefined) ?? fits[0];
      if (hit === undefined) return undefined;
      hit.left -= 1;
      return hit.one;
    },
  };
}

function happensTo(one: Case, target: CaseTarget): boolean {
  const { person, endpoint, template, isWindowOpen, isFreeEntry } = target;
  const { phone, userId } = one;
  const isMeant =
    (phone === undefined && userId === undefined) ||
    (phone !== undefined && phone === person.phone) ||
    (userId !== undefined && userId === person.userId);
  if (!isMeant) return false;
  if (one.templates !== undefined && !(template !== undefined && one.templates.includes(template.name)))
    return false;
  const { marketingOnly, exempt } = graphCodes.get(one.code ?? 0) ?? {};
  // docs/vendors/whatsapp.md §3.5: the other endpoint is what it asks for.
  if (one.code === 131_063 && endpoint === 'marketing_messages') return false;
  if (marketingOnly === true && template?.category !== 'MARKETING') return false;
  if (exempt !== undefined && isWindowOpen) return false;
  return !(exempt === 'window or free entry point' && isFreeEntry);
}

/** What a caller meets at once; undefined: nothing. */
export function faultOf({
  when,
  code,
  status,
  latencyMs,
  dropConnection,
  hangMs,
  garbage,
  commitAfterMs,
}: Case): Fault | undefined {
  const fault = Object.fromEntries(
    Object.entries({
      code: when === 'at once' && code !== undefined ? String(code) : undefined,
      status,
      latencyMs,
      dropConnection,
      hangMs,
      garbage,
      commitAfterMs,
    }).filter(([, value]) => value !== undefined),
  );
  return Object.keys(fault).length === 0 ? undefined : faultSchema.parse(fault);
}
