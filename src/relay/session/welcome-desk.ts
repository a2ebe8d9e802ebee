import { toHex } from '../../base/bytes.ts';
import { refusalToWire } from '../../transport/index.ts';
import type { ServerFrameInit } from '../../transport/index.ts';
import { scopeText } from '../access/index.ts';
import type { Principal } from '../access/index.ts';
import type { DeliveryHub } from '../delivery/delivery-hub.ts';
import type { LogEngine } from '../engine/log-engine.ts';
import type { RelayMetrics } from '../relay-metrics.ts';
import { ConnectionRefusal } from './connection-refusal.ts';
import { isKeyPackageRef } from './publish-intake.ts';
import type { SessionContext } from './session-context.ts';

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
  readonly #maxWaits: number;
  readonly #metrics: RelayMetrics;
  readonly #principal: () => Principal | undefined;
  readonly #outlet: WelcomeOutlet;
  /** How to end each wait, by key package. Asking twice is one wait. */
  readonly #waits = new Map<string, { readonly keyPackageRef: Uint8Array; readonly unwatch: () => void }>();

  /** @param principal who waits; `undefined` where the relay is open */
  constructor(
    { engine, hub, limits, metrics }: SessionContext,
    principal: () => Principal | undefined,
    outlet: WelcomeOutlet,
  ) {
    this.#engine = engine;
    this.#hub = hub;
    this.#maxWaits = limits.maxWelcomeWaits;
    this.#metrics = metrics;
    this.#principal = principal;
    this.#outlet = outlet;
  }

  /**
   * Waits for the Welcome addressed to a key package.
   *
   * @param ref may be a view into a frame
   * @throws {@link ConnectionRefusal} `malformed`, or `limit` if too many waits are not answered.
   */
  wait(ref: Uint8Array): void {
    if (!isKeyPackageRef(ref)) {
      throw new ConnectionRefusal('malformed', `a key package reference has ${ref.length} bytes`);
    }
    if (this.#waits.size >= this.#maxWaits) {
      throw new ConnectionRefusal('limit', `${this.#maxWaits} waits for a Welcome on one connection are allowed`);
    }
    const keyPackageRef = new Uint8Array(ref);
    const key = toHex(keyPackageRef);
    if (this.#waits.has(key)) return;
    if (!this.#mayRead) return this.#refuse(keyPackageRef, scopeText('read'));
    const look = (): void => void this.#look(key, keyPackageRef);
    this.#waits.set(key, { keyPackageRef, unwatch: this.#hub.watchWelcome(keyPackageRef, look) });
  }

  /** The principal has another token: waits that it does not allow are refused. */
  recheck(): void {
    if (this.#mayRead) return;
    const refs = [...this.#waits.values()].map(({ keyPackageRef }) => keyPackageRef);
    this.close();
    for (const ref of refs) this.#refuse(ref, scopeText('read'));
  }

  /** Ends all waits. */
  close(): void {
    for (const { unwatch } of this.#waits.values()) unwatch();
    this.#waits.clear();
  }

  get #mayRead(): boolean {
    return this.#principal()?.scopes.has('read') !== false;
  }

  async #look(key: string, keyPackageRef: Uint8Array): Promise<void> {
    try {
      const welcome = await this.#engine.welcome(keyPackageRef, this.#principal()?.account);
      const wait = this.#waits.get(key);
      if (welcome === undefined || wait === undefined) return;
      wait.unwatch();
      this.#waits.delete(key);
      if (welcome === 'taken') {
        this.#refuse(keyPackageRef, 'it was handed to another account');
        return;
      }
      const { channel, commitSeq, payload } = welcome;
      this.#outlet.send({ case: 'welcome', value: { keyPackageRef, channel, commitSeq: BigInt(commitSeq), payload } });
    } catch (error) {
      this.#outlet.failed(error);
    }
  }

  #refuse(keyPackageRef: Uint8Array, detail: string): void {
    this.#metrics.refused('unauthorized');
    const value = { keyPackageRef, reason: refusalToWire('unauthorized'), detail };
    this.#outlet.send({ case: 'welcomeRefused', value });
  }
}
