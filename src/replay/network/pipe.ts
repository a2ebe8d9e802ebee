import type { Clock } from '../../base/clock.ts';

/** How long something is on its way, in milliseconds. Asked for each. */
export type Latency = () => number;

/**
 * One direction of a connection: what goes in comes out later and in order, unless it is told to jump the queue. Bounded by
 * the credit and the windows of those who use it, as a socket is.
 */
export class Pipe {
  readonly #clock: Clock;
  readonly #latency: Latency;
  readonly #scheduled = new Set<() => void>();
  #lastAtMs = 0;
  /** What has arrived while nothing passes. */
  #held: (() => void)[] | undefined;
  #isOpen = true;

  constructor(clock: Clock, latency: Latency) {
    this.#clock = clock;
    this.#latency = latency;
  }

  /** Hands `task` over behind all that was sent before it, `extraMs` later than usual. */
  send(task: () => void, extraMs = 0): void {
    this.#lastAtMs = Math.max(this.#lastAtMs, this.#clock.now() + this.#latency() + extraMs);
    this.#schedule(this.#lastAtMs, task);
  }

  /** Hands `task` over so much later, and lets what is sent meanwhile pass it. */
  sendAside(task: () => void, extraMs: number): void {
    this.#schedule(this.#clock.now() + this.#latency() + extraMs, task);
  }

  /** From now on nothing comes out. */
  hold(): void {
    this.#held ??= [];
  }

  /** What was held comes out, in order. */
  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const task of held) if (this.#isOpen) task();
  }

  /** What is under way is lost. */
  close(): void {
    this.#isOpen = false;
    this.#held = undefined;
    for (const cancel of this.#scheduled) cancel();
    this.#scheduled.clear();
  }

  #schedule(atMs: number, task: () => void): void {
    if (!this.#isOpen) return;
    const cancel = this.#clock.schedule(Math.max(0, atMs - this.#clock.now()), () => {
      this.#scheduled.delete(cancel);
      if (this.#held === undefined) task();
      else this.#held.push(task);
    });
    this.#scheduled.add(cancel);
  }
}
