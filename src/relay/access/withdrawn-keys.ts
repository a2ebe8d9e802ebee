import type { Clock } from '../../base/clock.ts';

/** Keys that are remembered. A key is forgotten when the last of its tokens has ended by itself. */
const MAX_KEYS = 65_536;

/**
 * API keys that were withdrawn: tokens that were made for them are refused until they would have ended by themselves, and
 * those who are connected with such a token are told at once. In memory; who withdraws a key says so again from time to time.
 */
export class WithdrawnKeys {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #untilMs = new Map<string, number>();
  /** Those who are connected, by key. */
  readonly #holders = new Map<string, Set<() => void>>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** Keys that are remembered. */
  get size(): number {
    return this.#untilMs.size;
  }

  /** Whether a token that was made for the key is refused. One that names no key cannot be withdrawn. */
  has(keyId: string | undefined): boolean {
    const untilMs = keyId === undefined ? undefined : this.#untilMs.get(keyId);
    return untilMs !== undefined && untilMs > this.#clock.now();
  }

  /**
   * Refuses tokens of the key until `untilMs` (Unix ms): an earlier time than it has changes nothing. Returns `false` if as many
   * keys are remembered as can be; those who are connected with it are told all the same.
   */
  add(keyId: string, untilMs: number): boolean {
    if (untilMs <= this.#clock.now()) return true;
    const isRemembered = this.#makeRoom(keyId);
    if (isRemembered) this.#untilMs.set(keyId, Math.max(untilMs, this.#untilMs.get(keyId) ?? 0));
    for (const end of [...(this.#holders.get(keyId) ?? [])]) end();
    return isRemembered;
  }

  /** Calls `end` when the key is withdrawn; the returned function ends that. Ask {@link has} first. */
  hold(keyId: string | undefined, end: () => void): () => void {
    if (keyId === undefined) return () => undefined;
    const holders = this.#holders.get(keyId) ?? new Set();
    this.#holders.set(keyId, holders.add(end));
    return () => {
      if (holders.delete(end) && holders.size === 0 && this.#holders.get(keyId) === holders)
        this.#holders.delete(keyId);
    };
  }

  #makeRoom(keyId: string): boolean {
    if (this.#untilMs.size < MAX_KEYS || this.#untilMs.has(keyId)) return true;
    const nowMs = this.#clock.now();
    for (const [known, untilMs] of this.#untilMs) if (untilMs <= nowMs) this.#untilMs.delete(known);
    return this.#untilMs.size < MAX_KEYS;
  }
}
