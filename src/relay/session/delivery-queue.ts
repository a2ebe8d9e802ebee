import type { LogEngine } from '../engine/log-engine.ts';
import type { Subscription } from '../delivery/subscription.ts';

/**
 * Gives the subscriptions of one connection their turns, one frame each, as long as there is room. Pages are read from
 * the log one at a time, so that a connection holds one page at most, however many of its subscriptions are behind.
 */
export class DeliveryQueue {
  readonly #engine: LogEngine;
  readonly #hasRoom: () => boolean;
  readonly #onReadError: (error: unknown) => void;
  /** In the order of their turns. */
  readonly #ready = new Set<Subscription>();
  readonly #behind = new Set<Subscription>();
  #isRunning = false;
  #isReading = false;

  constructor(engine: LogEngine, hasRoom: () => boolean, onReadError: (error: unknown) => void) {
    this.#engine = engine;
    this.#hasRoom = hasRoom;
    this.#onReadError = onReadError;
  }

  /** There may be something to deliver for `subscription`. */
  add(subscription: Subscription): void {
    if (!this.#behind.has(subscription)) this.#ready.add(subscription);
    this.run();
  }

  /** Forgets a subscription. */
  remove(subscription: Subscription): void {
    this.#ready.delete(subscription);
    this.#behind.delete(subscription);
  }

  /** Delivers what there is room for. To be called when there is room again. */
  run(): void {
    if (this.#isRunning) return; // a step may lead back here
    this.#isRunning = true;
    for (const subscription of this.#ready) {
      if (!this.#hasRoom()) break;
      this.#ready.delete(subscription);
      const result = subscription.step();
      if (result === 'delivered') this.#ready.add(subscription);
      if (result === 'needs-page') this.#behind.add(subscription);
    }
    this.#isRunning = false;
    this.#readNext();
  }

  #readNext(): void {
    const [subscription] = this.#behind;
    if (subscription === undefined || this.#isReading || !this.#hasRoom()) return;
    this.#isReading = true;
    void this.#read(subscription).finally(() => {
      this.#isReading = false;
      if (this.#behind.delete(subscription)) this.#ready.add(subscription);
      this.run();
    });
  }

  async #read(subscription: Subscription): Promise<void> {
    try {
      await subscription.readPage(this.#engine);
    } catch (error) {
      this.#onReadError(error);
      this.remove(subscription);
      subscription.fail();
    }
  }
}
