import type { Welcome } from 'ts-mls/welcome.js';
import { copyBytes } from '../base/bytes.ts';
import { checkBytes } from '../base/check.ts';
import { MlsError } from '../base/errors.ts';
import { engineParts } from './engine.ts';
import type { EngineParts, MlsEngine } from './engine.ts';
import { decodeMessage } from './message.ts';

/** What a Welcome shows before it is decrypted. */
export interface WelcomeInfo {
  /** References of the key packages that it is for (RFC 9420 §5.2). */
  readonly refs: readonly Uint8Array[];
}

/**
 * Tells whom a Welcome is for.
 *
 * @throws {@link MlsError} `invalid_welcome` for bytes that are no Welcome, or one of another cipher suite.
 */
export function readWelcome(engine: MlsEngine, bytes: Uint8Array): WelcomeInfo {
  const { secrets } = openWelcome(engineParts(engine), bytes);
  return { refs: secrets.map(({ newMember }) => newMember) };
}

/** A Welcome of our suite in the library's form. Shares no memory with `bytes`. */
export function openWelcome({ suite }: EngineParts, bytes: Uint8Array): Welcome {
  const welcome = decodeWelcome(checkBytes('welcome', bytes));
  if (welcome.cipherSuite !== suite) {
    throw invalidWelcome(`it is for cipher suite ${welcome.cipherSuite}, not ${suite}`);
  }
  return welcome;
}

function decodeWelcome(bytes: Uint8Array): Welcome {
  try {
    const message = decodeMessage(copyBytes(bytes));
    if (message.wireformat === 'mls_welcome') return message.welcome;
  } catch (cause) {
    throw invalidWelcome('it is not a Welcome', cause);
  }
  throw invalidWelcome('it is not a Welcome');
}

/** The error for a Welcome that leads nowhere. */
export function invalidWelcome(reason: string, cause?: unknown): MlsError {
  return new MlsError('invalid_welcome', `The Welcome cannot be used: ${reason}.`, { cause });
}
