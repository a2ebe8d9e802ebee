import { RuntimeError, SkytaleError } from '../base/errors.ts';

/** @internal Any thrown value in one line. */
export function textOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** @internal What an error is called, for those who must not see its text: the name of its class, and the code of ours. */
export function labelOf(error: unknown): { readonly name: string; readonly code: string | undefined } {
  const name = error instanceof Error ? error.name : typeof error;
  return { name, code: error instanceof SkytaleError ? (error as SkytaleError).code : undefined };
}

/** @internal Any thrown value as an error: one that is none becomes the cause. */
export function toError(error: unknown): Error {
  return error instanceof Error ? error : new RuntimeError('runtime_error', String(error), { cause: error });
}
