/** Asked for and not done. `message` says why and what to do, and is shown as it is. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  /** HTTP: 400 the request is wrong, 404 there is no such thing, 409 not as things stand. */
  readonly status: 400 | 404 | 409;
  readonly code: string;

  constructor(status: 400 | 404 | 409, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}
