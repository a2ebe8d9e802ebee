import { RuntimeError } from '../../base/errors.ts';

/** A tape that is not what was written. */
export function tapeDamaged(detail: string, options?: { readonly cause: unknown }): RuntimeError {
  return new RuntimeError('tape_damaged', `the tape ${detail}`, options);
}
