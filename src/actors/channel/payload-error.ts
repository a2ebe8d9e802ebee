import { ChannelError, type SkytaleErrorOptions } from '../../base/errors.ts';

/** One thing that a validator found wrong with a value. */
export interface PayloadIssue {
  readonly message: string;
  /** Where in the value, from outside in. */
  readonly path: readonly PropertyKey[];
}

/** Options of a {@link PayloadError}. */
export interface PayloadErrorOptions extends SkytaleErrorOptions {
  readonly issues?: readonly PayloadIssue[];
}

/** A value has no payload, or a payload no value, by the codec of {@link Channel.as}. Code `invalid_payload`. */
export class PayloadError extends ChannelError {
  /** What a validator found. Empty where it was not a validator that refused. May quote the value: handle it like one. */
  readonly issues: readonly PayloadIssue[];

  constructor(detail: string, { issues = [], ...options }: PayloadErrorOptions = {}) {
    super('invalid_payload', detail, options);
    this.issues = issues;
  }

  /** What a codec threw, as this error; its text stays in `cause`, because it may quote the payload. */
  static from(error: unknown, detail: string): PayloadError {
    return error instanceof PayloadError ? error : new PayloadError(detail, { cause: error });
  }
}
