import { z } from 'zod';
import { callGraph, type GraphAccess, type GraphAnswer, isSuccess } from './graph-call.ts';
import { failure } from './graph-errors.ts';

/** Meta's own most for one page. */
const pageSize = 100;

const paging = z
  .looseObject({
    next: z.string().optional(),
    cursors: z.looseObject({ after: z.string().optional() }).optional(),
  })
  .optional();

/** A list of Graph's in its pages. `refused` makes the error of an answer that is none. */
export async function* graphPages<Item>(
  access: GraphAccess,
  asked: { readonly path: string; readonly query: Readonly<Record<string, string>> },
  options: {
    readonly item: z.ZodType<Item>;
    readonly mostPages: number;
    readonly timeoutMs: number;
    readonly mostBytes: number;
    readonly refused: (answer: GraphAnswer) => Error;
  },
): AsyncGenerator<Item[]> {
  const page = z.looseObject({ data: z.array(options.item), paging });
  let after: string | undefined;
  for (let pages = 0; pages < options.mostPages; pages += 1) {
    const query = { ...asked.query, limit: String(pageSize), ...(after === undefined ? {} : { after }) };
    const answer = await callGraph(access, { method: 'GET', path: asked.path, query }, options);
    if (!isSuccess(answer)) throw options.refused(answer);
    const read = page.safeParse(answer.body);
    if (!read.success) throw unreadable(answer);
    const { data, paging: { next, cursors } = {} } = read.data;
    yield data;
    // `next` itself is an address with the token in it. Where it is missing, a full page may still have one after it.
    after = next === undefined && data.length < pageSize ? undefined : cursors?.after;
    if (after === undefined) return;
  }
}

export function unreadable({ status }: GraphAnswer): Error {
  return failure(
    'unreadable_answer',
    'later',
    `WhatsApp answered ${String(status)} with something that is not the expected JSON`,
  );
}
