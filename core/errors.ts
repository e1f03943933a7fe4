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

/** An input that was wrong: where it stands in the request, such as `creation.policy` or `mapping[2].field`, and why. */
export interface WrongField {
  readonly path: string;
  readonly message: string;
}

/** `invalid`: the request is wrong. `missing`: there is no such thing. `conflict`: not as things stand. */
export type RefusalKind = 'invalid' | 'missing' | 'conflict';

/** What a member asked for and does not get. `message` says why and what to do, and is shown as it is. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly kind: RefusalKind;
  readonly code: string;
  readonly fields: readonly WrongField[];

  constructor(kind: RefusalKind, code: string, message: string, fields: readonly WrongField[] = []) {
    super(message);
    this.kind = kind;
    this.code = code;
    this.fields = fields;
  }
}

/** `thing` as a person calls it, such as `dead letter`. */
export function noSuch(thing: string): Refusal {
  return new Refusal('missing', `no_such_${thing.replaceAll(' ', '_')}`, `There is no such ${thing}.`);
}
