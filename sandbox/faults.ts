import { z } from 'zod';

/** What goes wrong with calls of a vendor's API until the next `PUT`. README.md says how the parts combine. */
export const faultSchema = z.strictObject({
  /** Answer this status, in the vendor's error shape, without doing anything. Some vendors fail with 200. */
  status: z.int().min(200).max(599).optional(),
  /** Answer with this code of the vendor's own, likewise; its usual status where none is given. */
  code: z.string().min(1).optional(),
  /** Of the records that calls write, the nth since the fault was set, or a share, is refused with this code of the vendor's. */
  item: z
    .union([
      z.strictObject({ code: z.string().min(1), nth: z.int().min(1) }),
      z.strictObject({ code: z.string().min(1), share: z.number().min(0).max(1) }),
    ])
    .optional(),
  /** Share of calls that are hit, 0 to 1. */
  rate: z.number().min(0).max(1).default(1),
  /** Wait this long before anything else. */
  latencyMs: z.number().min(0).max(600_000).optional(),
  /** Only calls of this operation are hit, named as `calls` counts them. */
  operation: z.string().optional(),
  /** How many calls are hit before the fault is over. */
  times: z.int().min(0).optional(),
  /** Cut the connection before or after the change is made. */
  dropConnection: z.enum(['before', 'after']).optional(),
  /** Leave the caller waiting so long before the connection is cut. */
  hangMs: z.number().min(0).max(600_000).optional(),
  /** A page that is none of the vendor's (nothing is done), half an answer, or one that never ends (the change is made). */
  garbage: z.enum(['html', 'truncated', 'endless']).optional(),
  /** Answer 307 to this address, without doing anything. */
  redirectTo: z.url().optional(),
  /** The caller gets no answer (or `status`), and the change is made this much later on our clock all the same. */
  commitAfterMs: z.number().min(0).max(600_000).optional(),
  /** Reads see what was so this long ago, though never what was so before the fault was set. */
  readLagMs: z.number().min(0).optional(),
});

export type Fault = z.infer<typeof faultSchema>;

export interface Faults {
  set(fault: Fault): void;
  current(): Fault;
  /** The fault a call of this operation is hit by; counts as a hit. */
  next(operation: string): Fault | undefined;
  /** With which of the vendor's codes the next record that a call writes is refused, if at all. */
  nextItem(): string | undefined;
}

export function createFaults(): Faults {
  let fault: Fault = faultSchema.parse({});
  let left = 0;
  let items = 0;
  return {
    set(next) {
      fault = next;
      left = next.times ?? Infinity;
      items = 0;
    },
    current: () => fault,
    next(operation) {
      if (fault.operation !== undefined && fault.operation !== operation) return undefined;
      if (left <= 0 || Math.random() >= fault.rate) return undefined;
      left -= 1;
      return fault;
    },
    nextItem() {
      const { item } = fault;
      if (item === undefined) return undefined;
      items += 1;
      const hit = 'nth' in item ? items === item.nth : Math.random() < item.share;
      return hit ? item.code : undefined;
    },
  };
}
