import type { ChannelName } from '../base/channel-name.ts';
import type { Clock } from '../base/clock.ts';
import { MlsError } from '../base/errors.ts';
import {
  type AgentKeys,
  type AgentStore,
  createKeyPackage,
  type Group,
  groupIdBelongsTo,
  type IdentityPins,
  joinGroup,
  type KeyPackageBundle,
  type MlsEngine,
  readWelcome,
} from '../mls/index.ts';
import type { RelayTransport } from '../transport/index.ts';
import { RelayTrouble } from './relay-trouble.ts';

/** How long a relay may take to hand out a Welcome that it has had since the commit was accepted. */
const ADMISSION_MS = 30_000;

/** What it takes to make key packages, and to join with them. */
export interface WelcomeDeskOptions {
  readonly engine: MlsEngine;
  readonly store: AgentStore;
  readonly keys: AgentKeys;
  readonly transport: RelayTransport;
  readonly clock: Clock;
}

/** The key packages of an agent, and the Welcomes that are made for them. */
export class WelcomeDesk {
  readonly #options: WelcomeDeskOptions;

  constructor(options: WelcomeDeskOptions) {
    this.#options = options;
  }

  /** A new key package, kept until it is used, or over. */
  async createKeyPackage(): Promise<KeyPackageBundle> {
    const { engine, store, keys, clock } = this.#options;
    const bundle = await createKeyPackage(engine, keys, clock.now());
    await store.saveKeyPackage(bundle);
    return bundle;
  }

  /** The key package that a Welcome was made for. @throws {@link MlsError} `invalid_welcome` if there is none */
  async keyPackageOf(welcome: Uint8Array): Promise<KeyPackageBundle> {
    const { engine, store } = this.#options;
    const { refs } = readWelcome(engine, welcome);
    const bundles = await Promise.all(refs.map((ref) => store.loadKeyPackage(ref)));
    const bundle = bundles.find((candidate) => candidate !== undefined);
    if (bundle !== undefined) return bundle;
    throw new MlsError(
      'invalid_welcome',
      'this Welcome is not for a key package of this client, or that key package was used already',
    );
  }

  /**
   * The group that a Welcome leads to.
   *
   * @param pins whom this agent knew under which key
   * @throws {@link MlsError} `invalid_welcome`, also for one that leads to another channel
   */
  async join(name: ChannelName, welcome: Uint8Array, bundle: KeyPackageBundle, pins: IdentityPins): Promise<Group> {
    const { engine, keys, clock } = this.#options;
    const group = await joinGroup(engine, { welcome, bundle, keys, nowMs: clock.now(), pins });
    if (groupIdBelongsTo(group.groupId, name)) return group;
    throw new MlsError('invalid_welcome', `this Welcome is for another channel than ${name}`);
  }

  /** A key package is good for one Welcome. */
  spend({ ref }: KeyPackageBundle): Promise<void> {
    return this.#options.store.deleteKeyPackage(ref);
  }

  /**
   * Has the relay hand the Welcome to this account, which opens the channel to it.
   *
   * @throws {@link TransportError} `join_timeout`, with what keeps the relay away; {@link MlsError} `invalid_welcome`; the reason of `signal`
   */
  async askAdmission(name: ChannelName, { ref }: KeyPackageBundle, signal: AbortSignal | undefined): Promise<void> {
    const { transport, clock } = this.#options;
    const timeout = new AbortController();
    const trouble = new RelayTrouble(transport.status$);
    const cancelTimeout = clock.schedule(ADMISSION_MS, () => {
      const detail = `the relay has not opened ${name} to this account within ${ADMISSION_MS / 1000} s: call joinChannel again`;
      timeout.abort(trouble.timeout(detail));
    });
    const either = signal === undefined ? timeout.signal : AbortSignal.any([signal, timeout.signal]);
    try {
      const { channel } = await transport.awaitWelcome(ref, either);
      if (channel === name) return;
    } finally {
      cancelTimeout();
      trouble.stop();
    }
    throw new MlsError(
      'invalid_welcome',
      `the relay has the Welcome for this key package in another channel than ${name}`,
    );
  }
}
