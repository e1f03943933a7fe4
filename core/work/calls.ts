import { SangamError } from '../errors.ts';

/** docs/design.md §4, lease then call. */
const longestCallMs = 20_000;

/** What became of items that were called for in parts. */
export interface InParts<Item, Answer> {
  readonly answers: readonly Answer[];
  /** Nobody knows what their call did. */
  readonly unheard: readonly Item[];
  /** They were not called for, or their call did nothing. */
  readonly left: readonly Item[];
}

/** The calls of one leased batch, each for as many items as the CRM takes: where it takes one, a batch is many calls. */
export class Calls {
  /** Why calls ended before all were made; what was answered before counts nevertheless. */
  failure: SangamError | undefined;
  readonly #until: number;

  /** `leasedUntil`: on the monotonic clock. No call begins that could end after it. */
  constructor(leasedUntil: number) {
    this.#until = leasedUntil - longestCallMs;
  }

  /** Throws `too_slow` where a call that begins now could outlast the lease: of fewer items at a time all are called for. */
  mustBegin(): void {
    if (!this.#isLate()) return;
    throw new SangamError({
      code: 'too_slow',
      origin: 'crm',
      retry: 'later',
      message: 'The account answers too slowly for so many at a time: fewer are tried next.',
    });
  }

  /** Throws as the call does where nothing was heard before: the batch failed as a whole. `heard`: of others, something was. */
  async inParts<Item, Answer>(
    items: readonly Item[],
    size: number,
    call: (part: readonly Item[]) => Promise<readonly Answer[]>,
    heard = false,
  ): Promise<InParts<Item, Answer>> {
    const answers: Answer[] = [];
    for (let start = 0; start < items.length; start += size) {
      const first = start === 0 && !heard;
      if (first) this.mustBegin();
      if (this.failure !== undefined || this.#isLate())
        return { answers, unheard: [], left: items.slice(start) };
      const part = items.slice(start, start + size);
      try {
        answers.push(...(await call(part)));
      } catch (error) {
        if (!(error instanceof SangamError) || first) throw error;
        this.failure = error;
        const done = error.code === 'limit_wait' || error.retry === 'never' ? 0 : part.length;
        return { answers, unheard: part.slice(0, done), left: items.slice(start + done) };
      }
    }
    return { answers, unheard: [], left: [] };
  }

  #isLate(): boolean {
    return performance.now() > this.#until;
  }
}
