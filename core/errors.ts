/** Whether, and when, the same attempt may be made again. `{afterMs}` is the other side's own word. */
export type Retry = 'never' | 'later' | { readonly afterMs: number };

export type ErrorOrigin = 'us' | 'whatsapp' | 'crm';

/**
 * Everything that can go wrong and that a person may have to act on.
 * `message` says what was wrong and what to do; it never carries a secret or a customer's words.
 */
export class SangamError extends Error {
  override readonly name = 'SangamError';
  readonly code: string;
  readonly origin: ErrorOrigin;
  readonly retry: Retry;

  constructor(details: {
    code: string;
    origin: ErrorOrigin;
    retry: Retry;
    message: string;
    cause?: unknown;
  }) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = details.code;
    this.origin = details.origin;
    this.retry = details.retry;
  }
}
