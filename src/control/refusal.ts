/** HTTP statuses with which the control plane refuses something. */
export type RefusalStatus = 400 | 401 | 403 | 404 | 409 | 410 | 413 | 429 | 503;

/** What a caller is told instead of an answer: a status, a text for people and, where programs branch on it, a code. */
export class Refusal extends Error {
  readonly status: RefusalStatus;
  /** Stable and machine-readable, such as `invite_expired`. */
  readonly code: string | undefined;
  /** When it is worth another try, in seconds, for `retry-after`. */
  readonly retryAfterSeconds: number | undefined;

  constructor(status: RefusalStatus, text: string, code?: string, retryAfterSeconds?: number) {
    super(text);
    this.name = 'Refusal';
    this.status = status;
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The refusal for what is not there, or not there for this account: the two are not told apart. */
export function notFound(): Refusal {
  return new Refusal(404, 'Not found', 'not_found');
}
