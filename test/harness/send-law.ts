/** What may leave, as somebody knows who watches people's phones and WhatsApp's door from outside. */

/** A request to send something, as the sandbox saw it come. */
interface SeenRequest {
  readonly monotonicMs: number;
  readonly to?: string;
  readonly template?: string;
  readonly category?: string;
  readonly opaque?: string;
  readonly wamid?: string;
}

interface SeenSend {
  readonly sendId: string;
  readonly state: string;
  readonly attempts: readonly { readonly attemptId: string; readonly outcome: string | null }[];
}

interface Said {
  readonly action: 'grant' | 'withdrawal';
  readonly purpose: 'marketing' | 'everything';
  /** Of the source. */
  readonly at: number;
  /** On the monotonic clock of the machine, ms. */
  readonly begunAt: number;
  acknowledgedAt: number;
}

/** So long after its acknowledgement a STOP is in force everywhere (docs/design.md §5). */
const inForceMs = 1000;

export const monotonicNow = (): number => Number(process.hrtime.bigint()) / 1e6;

const meanings: Readonly<Record<string, Pick<Said, 'action' | 'purpose'>>> = {
  START: { action: 'grant', purpose: 'marketing' },
  STOP: { action: 'withdrawal', purpose: 'marketing' },
  'STOP ALL': { action: 'withdrawal', purpose: 'everything' },
};

export class SendLaw {
  readonly #ledgers = new Map<string, Said[]>();
  readonly #pauses: { readonly from: number; until: number }[] = [];
  /** Templates that became marketing, and when that was known. */
  readonly #marketing: { readonly name: string; readonly from: number; until: number }[] = [];

  /** When each send was asked for. */
  readonly #asked = new Map<string, number>();

  asked(sendId: string, at: number): void {
    this.#asked.set(sendId, at);
  }

  add(phone: string): void {
    this.#ledgers.set(phone, []);
  }

  phones(): string[] {
    return [...this.#ledgers.keys()];
  }

  /** `seconds`: of the source. */
  says(phone: string, words: string, seconds: number): { acknowledged(): void } {
    const meaning = meanings[words];
    const said: Said = {
      ...(meaning ?? { action: 'grant', purpose: 'marketing' }),
      at: seconds,
      begunAt: monotonicNow(),
      acknowledgedAt: Infinity,
    };
    if (meaning !== undefined) this.#ledgers.get(phone)?.push(said);
    return { acknowledged: () => void (said.acknowledgedAt = monotonicNow()) };
  }

  moves(from: string, to: string): void {
    this.#ledgers.set(to, this.#ledgers.get(from) ?? []);
  }

  paused(): void {
    this.#pauses.push({ from: monotonicNow(), until: Infinity });
  }

  resumed(): void {
    const last = this.#pauses.at(-1);
    if (last !== undefined) last.until = monotonicNow();
  }

  categorised(name: string, isMarketing: boolean): void {
    if (isMarketing) this.#marketing.push({ name, from: monotonicNow(), until: Infinity });
    else {
      const last = this.#marketing.at(-1);
      if (last !== undefined && last.until === Infinity) last.until = monotonicNow();
    }
  }

  /** What happened that may not. */
  problems(
    requests: readonly SeenRequest[],
    sends: readonly SeenSend[],
    received: readonly { readonly wamid: string; readonly direction: string; readonly status: string }[],
  ): string[] {
    const problems: string[] = [];
    const sendOf = new Map(
      sends.flatMap((send) => send.attempts.map(({ attemptId }) => [attemptId, send] as const)),
    );
    const failed = new Set(received.filter(({ status }) => status === 'failed').map(({ wamid }) => wamid));
    const arrivals = new Map<string, number>();
    for (const request of requests) {
      const phone = (request.to ?? '').replace('+', '');
      const ledger = this.#ledgers.get(phone);
      const send = sendOf.get(request.opaque ?? '');
      if (ledger === undefined) continue;
      const what = `${request.template ?? 'text'} to ${phone}`;
      if (send === undefined) problems.push(`${what} left for no send`);
      else if (request.wamid !== undefined && !failed.has(request.wamid)) {
        arrivals.set(send.sendId, (arrivals.get(send.sendId) ?? 0) + 1);
      }
      const trouble = this.#forbids(request, ledger, this.#asked.get(send?.sendId ?? '') ?? -Infinity);
      if (trouble !== undefined) problems.push(`${what} left ${trouble}`);
    }
    for (const [sendId, count] of arrivals) {
      if (count > 1) problems.push(`send ${sendId} is ${String(count)} times on the phone`);
    }
    return problems;
  }

  #forbids(
    { monotonicMs: at, template, category }: SeenRequest,
    ledger: readonly Said[],
    askedAt: number,
  ): string | undefined {
    // At once for what was asked for afterwards; for what was under way a moment later.
    const inForce = (from: number): boolean => from < askedAt || from + inForceMs < at;
    if (this.#pauses.some(({ from, until }) => inForce(from) && from < at && at < until))
      return 'while paused';
    // A grant counts from when it was begun, a withdrawal once it was acknowledged.
    const grants = ledger.filter(({ action, begunAt }) => action === 'grant' && begunAt < at);
    const grantedAt = Math.max(...grants.map((one) => one.at), -Infinity);
    const stopped = ledger.filter(
      ({ action, acknowledgedAt, at: said }) =>
        action === 'withdrawal' && inForce(acknowledgedAt) && said >= grantedAt,
    );
    if (stopped.some(({ purpose }) => purpose === 'everything')) return 'after a STOP ALL';
    const isMarketing =
      template === 'festival_offer' ||
      this.#marketing.some(
        ({ name, from, until }) => name === template && inForce(from) && from < at && at < until,
      );
    if (!isMarketing) return undefined;
    if (stopped.length > 0) return `after a STOP (${category ?? ''})`;
    return grants.length === 0 ? 'without consent' : undefined;
  }
}
