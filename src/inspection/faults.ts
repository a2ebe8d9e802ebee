import { SkytaleError } from '../base/errors.ts';
import type { InspectedFault } from './frame.ts';

/** Codes of errors of ours whose message may repeat what somebody else's error says. */
const QUOTING: ReadonlySet<string> = new Set(['runtime_error', 'request_failed', 'invalid_payload', 'mls_error']);

/** Turns errors into what may be shown of them. */
export class FaultLabels {
  readonly #showsTexts: boolean;

  /** @param showsTexts whether messages are shown that may hold a payload */
  constructor(showsTexts: boolean) {
    this.#showsTexts = showsTexts;
  }

  /** An actor's crash: its error is known by name, code and text alone. */
  ofCrash(name: string, code: string | undefined, text: string): InspectedFault {
    const isOurs = code !== undefined && !QUOTING.has(code);
    return { kind: name, code: code ?? null, text: isOurs || this.#showsTexts ? text : null };
  }

  /** An error under the name of what went wrong, which is the error's own by default. */
  ofError(error: unknown, kind?: string): InspectedFault {
    const isError = error instanceof Error;
    const code = error instanceof SkytaleError ? String(error.code) : null;
    const isOpen = (code !== null && !QUOTING.has(code)) || this.#showsTexts;
    return {
      kind: kind ?? (isError ? error.name : typeof error),
      code,
      text: isError && isOpen ? error.message : null,
    };
  }
}
