import { createHash } from 'node:crypto';
import { violation } from './facts.ts';
import type { Violation } from './observation.ts';

/** Bytes of the tag at the end of what AES-GCM has encrypted; a ciphertext stands at the end of a message (RFC 9420 §6.3). */
const TAG_BYTES = 16;

/** The message that a key was used for. */
interface Use {
  readonly agent: string;
  readonly tag: string;
  hasArrived: boolean;
}

/**
 * Notices when a message key is used for two messages that leave their agent: that would give away both. Told of every
 * encryption, which is for a test to arrange, and of every payload that leaves. What is encrypted and dies with its agent does
 * no harm. Holds hashes, no keys.
 *
 * Of what leaves and never arrives no log tells. An agent whose directory is an old copy cannot know that it ever was, and nobody
 * but who reads along on its connection has it: then that does not count.
 */
export class KeyUse {
  readonly #keyByTag = new Map<string, string>();
  readonly #useByKey = new Map<string, Use>();
  readonly #violations: Violation[] = [];

  /** Something was encrypted, with the tag behind it. */
  sealed(key: Uint8Array, tag: Uint8Array): void {
    this.#keyByTag.set(nameOf(tag), createHash('sha256').update(key).digest('base64'));
  }

  /** A payload leaves an agent, perhaps not for the first time. */
  left(agent: string, payload: Uint8Array): void {
    const tag = nameOf(payload.subarray(-TAG_BYTES));
    const key = this.#keyByTag.get(tag);
    if (key === undefined) return;
    const other = this.#useByKey.get(key);
    if (other?.tag === tag) return;
    this.#useByKey.set(key, { agent, tag, hasArrived: false });
    if (other === undefined) return;
    this.#violations.push(violation('no-key-reuse', agent, 'a second message left under a key that was used'));
  }

  /** A payload has come to the relay. */
  arrived(payload: Uint8Array): void {
    const tag = nameOf(payload.subarray(-TAG_BYTES));
    const use = this.#useByKey.get(this.#keyByTag.get(tag) ?? '');
    if (use?.tag === tag) use.hasArrived = true;
  }

  /** The directory of an agent is an old copy from now on. */
  restored(agent: string): void {
    for (const [key, use] of this.#useByKey) {
      if (use.agent === agent && !use.hasArrived) this.#useByKey.delete(key);
    }
  }

  /** Keys under which something has left. */
  get keys(): number {
    return this.#useByKey.size;
  }

  get violations(): readonly Violation[] {
    return this.#violations;
  }
}

function nameOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
