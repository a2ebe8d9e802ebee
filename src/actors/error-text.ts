import { RuntimeError } from '../base/errors.ts';

/** @internal Any thrown value in one line. */
export function textOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** @internal Any thrown value as an error: one that is none becomes the cause. */
export function toError(error: unknown): Error {
  return error instanceof Error ? error : new RuntimeError('runtime_error', String(error), { cause: error });
}
