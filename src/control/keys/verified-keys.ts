import { createHmac, randomBytes } from 'node:crypto';

/**
 * Remembers that keys have matched their hashes, so that argon2id is done once per key and process, not once per request.
 *
 * It holds no key: a memory dump shows HMACs under a secret of this process. It says nothing about whether a key still counts:
 * every use of a key reads its row, so that a key is dead at once, on every process, when the row says that it is revoked.
 */
export class VerifiedKeys {
  readonly #secret = randomBytes(32);
  readonly #capacity: number;
  /** Digest of the key to the hash that it has matched; the one that was used last is at the end. */
  readonly #hashes = new Map<string, string>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Whether this key has matched this hash before. */
  has(key: string, hash: string): boolean {
    const digest = this.#digest(key);
    if (this.#hashes.get(digest) !== hash) return false;
    this.#hashes.delete(digest);
    this.#hashes.set(digest, hash);
    return true;
  }

  add(key: string, hash: string): void {
    this.#hashes.set(this.#digest(key), hash);
    if (this.#hashes.size <= this.#capacity) return;
    for (const oldest of this.#hashes.keys()) {
      this.#hashes.delete(oldest);
      break;
    }
  }

  #digest(key: string): string {
    return createHmac('sha256', this.#secret).update(key).digest('base64');
  }
}
