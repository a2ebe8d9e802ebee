import { toHex } from '../../base/bytes.ts';
import { refusalToWire } from '../../transport/index.ts';
import type { ServerFrameInit } from '../../transport/index.ts';
import type { DeliveryHub } from '../delivery/delivery-hub.ts';
import type { LogEngine } from '../engine/log-engine.ts';

/** A frame that answers a wait. */
export type WelcomeFrame = Extract<ServerFrameInit, { case: 'welcome' | 'welcomeRefused' }>;

/** Where Welcomes go. */
export interface WelcomeOutlet {
  send(frame: WelcomeFrame): void;
  /** The log could not be asked. The wait goes on. */
  failed(error: unknown): void;
}

/** The Welcomes that one connection waits for. Each wait is answered once, at once or when the Welcome is stored. */
export class WelcomeDesk {
  readonly #engine: LogEngine;
  readonly #hub: DeliveryHub;
  readonly #outlet: WelcomeOutlet;
  /** How to end each wait, by key package. Asking twice is one wait. */
  readonly #waits = new Map<string, () => void>();

  constructor(engine: LogEngine, hub: DeliveryHub, outlet: WelcomeOutlet) {
    this.#engine = engine;
    this.#hub = hub;
    this.#outlet = outlet;
  }

  /** How many waits are not answered. */
  get waiting(): number {
    return this.#waits.size;
  }

  /** Waits for the Welcome addressed to a key package. */
  wait(keyPackageRef: Uint8Array): void {
    const key = toHex(keyPackageRef);
    if (this.#waits.has(key)) return;
    const look = (): void => void this.#look(key, keyPackageRef);
    this.#waits.set(key, this.#hub.watchWelcome(keyPackageRef, look));
    look();
  }

  /** Ends all waits. */
  close(): void {
    for (const unwatch of this.#waits.values()) unwatch();
    this.#waits.clear();
  }

  async #look(key: string, keyPackageRef: Uint8Array): Promise<void> {
    try {
      const welcome = await this.#engine.welcome(keyPackageRef);
      const unwatch = this.#waits.get(key);
      if (welcome === undefined || unwatch === undefined) return;
      unwatch();
      this.#waits.delete(key);
      if (welcome === 'taken') {
        const value = {
          keyPackageRef,
          reason: refusalToWire('unauthorized'),
          detail: 'it was handed to another account',
        };
        this.#outlet.send({ case: 'welcomeRefused', value });
        return;
      }
      const { channel, commitSeq, payload } = welcome;
      this.#outlet.send({ case: 'welcome', value: { keyPackageRef, channel, commitSeq: BigInt(commitSeq), payload } });
    } catch (error) {
      this.#outlet.failed(error);
    }
  }
}
