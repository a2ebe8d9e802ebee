import { RuntimeError } from '../../base/errors.ts';

/** Length of a state key, in bytes. */
export const STATE_KEY_LENGTH = 32;

/**
 * What the state on disk is encrypted under: 32 random bytes, or a passphrase that a key is derived from (scrypt). Bytes
 * are better: a passphrase can be guessed by who has the disk, and costs a third of a second at each opening.
 */
export type StateKey = Uint8Array | { readonly passphrase: string };

/**
 * `key`, if it can be one.
 *
 * @throws {@link RuntimeError} `invalid_argument`, without the key
 */
export function checkStateKey(name: string, key: StateKey): StateKey {
  if (key instanceof Uint8Array) {
    if (key.length === STATE_KEY_LENGTH) return key;
    throw new RuntimeError(
      'invalid_argument',
      `Expected \`${name}\` to have ${STATE_KEY_LENGTH} bytes, got ${key.length}.`,
    );
  }
  // Callers without types may hand in anything.
  const { passphrase } = Object(key) as { passphrase?: unknown };
  if (typeof passphrase === 'string' && passphrase !== '') return key;
  throw new RuntimeError(
    'invalid_argument',
    `Expected \`${name}\` to be ${STATE_KEY_LENGTH} bytes or \`{ passphrase }\` with a string that is not empty.`,
  );
}

/** The 32 bytes that `text` is the hexadecimal or base64 (also base64url) form of; `undefined` if it is neither. */
export function parseStateKey(text: string): Uint8Array | undefined {
  const trimmed = text.trim();
  if (/^[0-9a-fA-F]{64}$/.test(trimmed)) return new Uint8Array(Buffer.from(trimmed, 'hex'));
  if (/^[0-9A-Za-z+/_-]{43}=?$/.test(trimmed)) return new Uint8Array(Buffer.from(trimmed, 'base64'));
  return undefined;
}
