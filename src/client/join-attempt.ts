import type { ChannelName } from '../base/channel-name.ts';
import { type Clock, sleepUnlessAborted } from '../base/clock.ts';
import { ChannelError, type SkytaleError, toSkytaleError, TransportError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import { deriveInviteKeys, inviteIdText, type InviteToken, type KeyPackageBundle, proveJoin } from '../mls/index.ts';
import { Backoff } from '../streams/index.ts';
import type { ControlPlane, JoinProgress, JoinStatus, RelayTransport, WelcomeDelivery } from '../transport/index.ts';

/** How far an attempt has come, before the agent is in. */
export type AttemptStep =
  | { readonly kind: 'requested'; readonly requestId: string }
  | { readonly kind: 'waiting-for-member' }
  | { readonly kind: 'admitted' };

/** What an attempt works with. */
export interface AttemptPorts {
  readonly controlPlane: ControlPlane;
  readonly transport: Pick<RelayTransport, 'awaitWelcome'>;
  readonly clock: Clock;
  readonly random: Random;
}

/** Who wants to join what, by which token. */
export interface AttemptRequest {
  readonly channel: ChannelName;
  readonly token: InviteToken;
  readonly identity: Uint8Array;
  readonly bundle: KeyPackageBundle;
}

/** How long a member that is online may take until we say that there seems to be none. */
const SEEMS_ALONE_SECONDS = 2;
const LONG_WAIT_SECONDS = 25;

/**
 * One request to join, from the token to the Welcome. Waits for as long as it takes; the control plane and the relay may be
 * away meanwhile.
 *
 * The Welcome comes by the relay, and is the only thing that counts: what the control plane says is believed for the time it
 * takes, and for its refusals.
 */
export class JoinAttempt {
  readonly #ports: AttemptPorts;
  readonly #request: AttemptRequest;
  readonly #onStep: (step: AttemptStep) => void;
  #requestId: string | undefined;
  #isAdmitted = false;
  /** The key package that the Welcome will be for. */
  get bundle(): KeyPackageBundle {
    return this.#request.bundle;
  }

  /** Whether a member has taken the request up. */
  wasTakenUp = false;

  constructor(ports: AttemptPorts, request: AttemptRequest, onStep: (step: AttemptStep) => void) {
    this.#ports = ports;
    this.#request = request;
    this.#onStep = onStep;
  }

  /** @throws the typed error for a token of no use, a denial, a request that ended; the reason of `signal` */
  async run(signal: AbortSignal): Promise<WelcomeDelivery> {
    const { controlPlane, clock, transport } = this.#ports;
    const { channel, token, identity, bundle } = this.#request;
    const { redeemKey, privateKey } = deriveInviteKeys(token);
    const { keyPackage } = bundle;
    const proof = await proveJoin(privateKey, { channel, inviteId: token.id, identity, keyPackage }, clock.now());
    const inviteId = inviteIdText(token.id);
    const submission = { channel, inviteId, redeemKey, identity, keyPackage, proof };
    const progress = await this.#persist(() => controlPlane.requestJoin(submission, signal), signal);
    this.#requestId = progress.requestId;
    this.#onStep({ kind: 'requested', requestId: progress.requestId });
    const over = new AbortController();
    const both = AbortSignal.any([signal, over.signal]);
    try {
      const delivery = await Promise.race([
        transport.awaitWelcome(bundle.ref, both),
        this.#follow(progress, both).then(neverWithout(both)),
      ]);
      this.#admitted();
      return delivery;
    } finally {
      over.abort();
    }
  }

  /** Takes the request back, if nobody has granted it. Never rejects: a request that nobody wants ends by itself. */
  async takeBack(): Promise<SkytaleError | undefined> {
    if (this.#requestId === undefined || this.#isAdmitted) return undefined;
    return this.#ports.controlPlane.cancelJoin(this.#requestId).then(
      () => undefined,
      (error: unknown) => toSkytaleError(error),
    );
  }

  /** Follows what becomes of the request. Resolves when it is admitted. */
  async #follow({ requestId, status }: JoinProgress, signal: AbortSignal): Promise<void> {
    const { controlPlane } = this.#ports;
    let since: JoinStatus = status;
    let hasWaited = false;
    while (!this.#take(since)) {
      const waitSeconds = hasWaited ? LONG_WAIT_SECONDS : SEEMS_ALONE_SECONDS;
      const progress = await this.#persist(
        () => controlPlane.joinStatus(requestId, { waitSeconds, since, signal }),
        signal,
      );
      checkProgress(progress);
      if (!hasWaited && progress.status === 'waiting') this.#onStep({ kind: 'waiting-for-member' });
      hasWaited = true;
      since = progress.status;
    }
  }

  /** Whether this status is that of who is in. */
  #take(status: JoinStatus): boolean {
    if (status === 'claimed' || status === 'admitted') this.wasTakenUp = true;
    if (status === 'admitted') this.#admitted();
    return status === 'admitted';
  }

  #admitted(): void {
    this.wasTakenUp = true;
    if (this.#isAdmitted) return;
    this.#isAdmitted = true;
    this.#onStep({ kind: 'admitted' });
  }

  /** Tries until there is an answer, whatever the network does. */
  async #persist<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const backoff = new Backoff({ maxMs: 10_000 }, this.#ports);
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        signal.throwIfAborted();
        const isPassing = error instanceof TransportError && error.code !== 'protocol_error';
        if (!isPassing) throw error;
        await sleepUnlessAborted(this.#ports.clock, backoff.nextDelayMs(), signal);
        signal.throwIfAborted();
      }
    }
  }
}

function checkProgress({ status, reason }: JoinProgress): void {
  if (status === 'denied')
    throw new ChannelError('join_denied', `the request to join was denied: ${reason ?? 'no reason was given'}`);
  if (status === 'expired')
    throw new ChannelError('invite_expired', 'the request to join has expired before a member came');
  if (status === 'cancelled') {
    throw new ChannelError('join_denied', 'the request to join was taken back, or another one took its place');
  }
}

/** Waits on, until aborted: what was waited for comes another way. */
function neverWithout(signal: AbortSignal): () => Promise<never> {
  return () =>
    new Promise((_, reject) => {
      const abort = (): void => reject(signal.reason as Error);
      if (signal.aborted) abort();
      else signal.addEventListener('abort', abort, { once: true });
    });
}
