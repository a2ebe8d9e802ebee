import { webcrypto } from 'node:crypto';
import type { CryptoKey } from 'jose';
import { RuntimeError } from '../../base/errors.ts';

/** A secret that the relay shares with whoever makes its tokens (HS256). */
export interface SharedSecret {
  /** The `kid` of the tokens that are made with it. Absent: its tokens carry none. */
  readonly kid?: string;
  /** At least 32 bytes; a string counts as its UTF-8 bytes. */
  readonly secret: string | Uint8Array;
}

/** RFC 7518 §3.2: a key of the size of the hash or larger. */
const MIN_SECRET_BYTES = 32;
/** Each one costs a try for a token without `kid`. */
const MAX_SECRETS = 16;

/** Keys to verify HS256 tokens with, imported once. */
export class SharedSecrets {
  readonly #keys: readonly { readonly kid: string | undefined; readonly key: Promise<CryptoKey> }[];

  /** @throws {@link RuntimeError} `invalid_argument` for a secret that is too short, or two with one `kid`. */
  constructor(secrets: readonly SharedSecret[]) {
    if (secrets.length > MAX_SECRETS) {
      throw new RuntimeError(
        'invalid_argument',
        `Expected at most ${MAX_SECRETS} shared secrets, got ${secrets.length}.`,
      );
    }
    const kids = new Set<string>();
    this.#keys = secrets.map(({ kid, secret }) => {
      const bytes = typeof secret === 'string' ? new TextEncoder().encode(secret) : secret;
      const name = kid === undefined ? 'the shared secret' : `the shared secret ${kid}`;
      if (bytes.length < MIN_SECRET_BYTES) {
        const text = `Expected ${name} to have at least ${MIN_SECRET_BYTES} bytes, got ${bytes.length}.`;
        throw new RuntimeError('invalid_argument', text);
      }
      if (kid !== undefined && kids.size === kids.add(kid).size) {
        throw new RuntimeError('invalid_argument', `Expected one shared secret named ${kid}, got two.`);
      }
      return { kid, key: importSecret(bytes) };
    });
  }

  /**
   * The keys that may have made a token: the one that its `kid` names. A token without one may come from any of them, so
   * that secrets can be rotated also where the tokens do not name theirs.
   */
  candidates(kid: string | undefined): Promise<readonly CryptoKey[]> {
    const named = kid === undefined ? this.#keys : this.#keys.filter((candidate) => candidate.kid === kid);
    return Promise.all(named.map(({ key }) => key));
  }
}

function importSecret(bytes: Uint8Array): Promise<CryptoKey> {
  return webcrypto.subtle.importKey('raw', new Uint8Array(bytes), { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);
}
