import type { ChannelName } from '../../base/channel-name.ts';
import { AuthError, TransportError, toSkytaleError } from '../../base/errors.ts';
import type { SkytaleError } from '../../base/errors.ts';
import type { ConnectionRefused, Deliver, Published, Ready } from '../gen/skytale/relay/v1/relay_pb.ts';
import type { PublishAnswer, Submission } from '../relay-transport.ts';
import { decodeServerFrame, encodeClientFrame } from '../wire/frames.ts';
import type { ClientFrameInit, ServerFrameShape } from '../wire/frames.ts';
import { refusalError, refusalFromWire } from '../wire/refusals.ts';
import { PROTOCOL_VERSION } from '../wire/relay-service.ts';
import { entryFromWire, noticeTopicFromWire, quotaFromWire, safeNumber, welcomeFromWire } from '../wire/values.ts';
import { FrameStream } from './frame-stream.ts';
import { Liveness } from './liveness.ts';
import type { TransportSettings } from './options.ts';
import { PublishDesk } from './publish-desk.ts';
import type { RelayLimits } from './publish-plan.ts';
import type { SessionEnd, SessionHandlers, SessionTarget, SubscriptionSink } from './session-handlers.ts';
import { errorOfCallEnd, isDraining } from './status-error.ts';
import { TokenRenewal } from './token-renewal.ts';

/** What a `Subscribe` frame carries beside the id that the session gives it. */
export type SubscribeInit = Omit<
  Extract<ClientFrameInit, { case: 'subscribe' }>['value'],
  'subscription' | '$typeName'
>;

/**
 * The protocol of `relay.proto` on one connection, from `Hello` to its end. Whoever owns it makes the next one: nothing
 * is carried over, and nothing of it is heard after its end.
 */
export class RelaySession {
  readonly #settings: TransportSettings;
  readonly #handlers: SessionHandlers;
  readonly #stream: FrameStream;
  readonly #liveness: Liveness;
  readonly #subscriptions = new Map<number, SubscriptionSink>();
  readonly #publishes: PublishDesk;
  readonly #renewal: TokenRenewal;
  readonly #cancelHandshakeTimeout: () => void;
  #limits: RelayLimits | undefined;
  #lastSubscription = 0;
  #lastPing = 0n;
  #isOver = false;

  constructor(settings: TransportSettings, { relay, token }: SessionTarget, handlers: SessionHandlers) {
    const { clock, random, pingAfterMs, lostAfterMs, connectTimeoutMs } = settings;
    this.#settings = settings;
    this.#handlers = handlers;
    this.#stream = new FrameStream(settings, relay, token, {
      frame: (bytes) => this.#receive(bytes),
      ended: (end) => {
        const error = errorOfCallEnd(end, this.#limits !== undefined);
        if (error instanceof AuthError) this.#end({ kind: 'unauthenticated', error });
        else this.#end({ kind: isDraining(end) ? 'draining' : 'lost', error });
      },
    });
    this.#renewal = new TokenRenewal({
      clock,
      random,
      ask: () => handlers.freshToken(),
      present: (fresh) => this.#send({ case: 'authenticate', value: { token: fresh } }),
    });
    this.#publishes = new PublishDesk({
      hasRoomFor: (bytes) => this.#stream.hasRoomFor(bytes),
      send: (bytes) => this.#sendBytes(bytes),
    });
    this.#liveness = new Liveness({
      clock,
      pingAfterMs,
      lostAfterMs,
      ping: () => {
        if (this.#limits !== undefined) this.#send({ case: 'ping', value: { nonce: (this.#lastPing += 1n) } });
      },
      lost: () =>
        this.#lose(new TransportError('connection_lost', `the relay gave no sign of life for ${lostAfterMs} ms`)),
    });
    this.#cancelHandshakeTimeout = clock.schedule(connectTimeoutMs, () => {
      this.#lose(new TransportError('connection_error', `the relay did not answer within ${connectTimeoutMs} ms`));
    });
    this.#send({ case: 'hello', value: { protocolVersion: PROTOCOL_VERSION, client: settings.client } });
  }

  /** Subscribes; returns the id for {@link RelaySession.credit} and {@link RelaySession.unsubscribe}. */
  subscribe(init: SubscribeInit, sink: SubscriptionSink): number {
    const subscription = (this.#lastSubscription += 1);
    this.#subscriptions.set(subscription, sink);
    this.#send({ case: 'subscribe', value: { ...init, subscription } });
    return subscription;
  }

  credit(subscription: number, entries: number): void {
    this.#send({ case: 'credit', value: { subscription, entries } });
  }

  unsubscribe(subscription: number): void {
    if (this.#subscriptions.delete(subscription)) this.#send({ case: 'unsubscribe', value: { subscription } });
  }

  awaitWelcome(keyPackageRef: Uint8Array): void {
    this.#send({ case: 'awaitWelcome', value: { keyPackageRef } });
  }

  /** As `ChannelLink.publish`. */
  publish(
    channel: ChannelName,
    group: Uint8Array,
    submissions: readonly Submission[],
    round: number,
  ): Promise<readonly PublishAnswer[]> {
    if (this.#isOver || this.#limits === undefined) {
      return Promise.reject(new TransportError('connection_lost', 'the connection to the relay is lost'));
    }
    return this.#publishes.publish({ channel, group, submissions, round }, this.#limits);
  }

  /** Ends the connection without a word to the handlers. Publishes in flight reject. Resolves when it is released. */
  close(): Promise<void> {
    this.#stop(new TransportError('connection_lost', 'the transport was closed'));
    return this.#stream.close();
  }

  /** Ends the connection; the owner hears of it after the code that runs now, so a call never re-enters its caller. */
  #end(end: SessionEnd): void {
    if (!this.#stop(end.error)) return;
    void this.#stream.close();
    queueMicrotask(() => this.#handlers.ended(end));
  }

  #lose(error: SkytaleError): void {
    this.#end({ kind: 'lost', error });
  }

  #stop(error: SkytaleError): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#cancelHandshakeTimeout();
    this.#liveness.stop();
    this.#renewal.stop();
    this.#publishes.close(error);
    return true;
  }

  #send(frame: ClientFrameInit): void {
    this.#sendBytes(encodeClientFrame(frame));
  }

  #sendBytes(bytes: Buffer): void {
    if (this.#isOver || this.#stream.send(bytes)) return;
    this.#lose(new TransportError('connection_lost', 'the relay does not read what is sent'));
  }

  #receive(bytes: Buffer): void {
    this.#liveness.heard();
    try {
      this.#handle(decodeServerFrame(bytes));
    } catch (error) {
      this.#lose(toSkytaleError(error));
    }
  }

  #handle(frame: ServerFrameShape): void {
    if (frame.case === 'connectionRefused') return this.#refused(frame.value);
    if (frame.case === 'ready') return this.#ready(frame.value);
    // A kind of frame that only a newer relay knows.
    if (frame.case === undefined) return;
    if (this.#limits === undefined) throw broken(`${frame.case} came before ready`);
    switch (frame.case) {
      case 'deliver':
        return this.#deliver(frame.value);
      case 'caughtUp':
        return this.#sink(frame.value.subscription)?.caughtUp(safeNumber('head_seq', frame.value.headSeq));
      case 'gap': {
        const { subscription, afterSeq, resumesAtSeq } = frame.value;
        return this.#sink(subscription)?.gap(
          safeNumber('after_seq', afterSeq),
          safeNumber('resumes_at_seq', resumesAtSeq),
        );
      }
      case 'notice': {
        const topic = noticeTopicFromWire(frame.value.topic);
        const sink = this.#sink(frame.value.subscription);
        if (topic !== undefined) sink?.notice(topic);
        return;
      }
      case 'subscriptionRefused': {
        const { subscription, detail } = frame.value;
        const reason = refusalFromWire(frame.value.reason);
        // Passes: not this link, but the relay as a whole has trouble with its log.
        if (reason === 'unavailable') throw refusalError(reason, detail);
        const sink = this.#sink(subscription);
        this.#subscriptions.delete(subscription);
        return sink?.refused(reason, refusalError(reason, detail));
      }
      case 'published':
        return this.#published(frame.value);
      case 'welcome':
        return this.#handlers.welcome(frame.value.keyPackageRef, welcomeFromWire(frame.value));
      case 'welcomeRefused': {
        const { keyPackageRef, reason, detail } = frame.value;
        return this.#handlers.welcomeRefused(keyPackageRef, refusalError(refusalFromWire(reason), detail));
      }
      case 'authenticated':
        return this.#tokenTaken(frame.value.tokenExpiresAtMs, frame.value.clockMs);
      case 'authenticationRefused':
        return this.#renewal.refused();
      case 'pong':
        return;
    }
  }

  #ready(ready: Ready): void {
    if (this.#limits !== undefined) throw broken('ready came twice');
    if (ready.protocolVersion !== PROTOCOL_VERSION) {
      const detail = `the relay answered with protocol version ${ready.protocolVersion}, this client speaks ${PROTOCOL_VERSION}`;
      const error = new TransportError('unsupported_version', detail);
      return this.#end({ kind: 'refused', reason: 'unsupported-version', error });
    }
    const { maxPayloadBytes, maxBatchEntries, maxFrameBytes } = ready;
    if (Math.min(maxPayloadBytes, maxBatchEntries, maxFrameBytes) === 0) throw broken('ready does not tell the limits');
    this.#limits = { maxPayloadBytes, maxBatchEntries, maxFrameBytes };
    this.#cancelHandshakeTimeout();
    this.#tokenTaken(ready.tokenExpiresAtMs, ready.clockMs);
    this.#handlers.ready();
  }

  #refused(refused: ConnectionRefused): void {
    const reason = refusalFromWire(refused.reason);
    const error = refusalError(reason, refused.detail);
    if (reason === 'unsupported-version') this.#end({ kind: 'refused', reason, error });
    else this.#end({ kind: reason === 'unauthorized' ? 'unauthenticated' : 'lost', error });
  }

  /** Both times by the relay's clock, 0 for none. From a relay that does not tell its own, ours has to do. */
  #tokenTaken(expiresAtMs: bigint, clockMs: bigint): void {
    if (expiresAtMs === 0n) return;
    const nowMs = clockMs === 0n ? this.#settings.clock.now() : safeNumber('clock_ms', clockMs);
    this.#renewal.accepted(safeNumber('token_expires_at_ms', expiresAtMs) - nowMs);
  }

  #published(published: Published): void {
    // First, so that whoever has an answer sees what is left after it.
    if (published.quota !== undefined) this.#handlers.quota(quotaFromWire(published.quota));
    this.#publishes.answered(published);
  }

  #deliver({ subscription, entries }: Deliver): void {
    const sink = this.#sink(subscription);
    if (sink !== undefined && entries.length > 0) sink.entries(entries.map(entryFromWire));
  }

  /** `undefined` for a subscription that this side has ended: what was under way meanwhile is dropped. */
  #sink(subscription: number): SubscriptionSink | undefined {
    if (subscription === 0 || subscription > this.#lastSubscription) throw broken('a subscription was never made');
    return this.#subscriptions.get(subscription);
  }
}

function broken(detail: string): TransportError {
  return new TransportError('protocol_error', `the relay broke the protocol: ${detail}`);
}
