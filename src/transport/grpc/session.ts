import { AuthError, TransportError, toSkytaleError } from '../../base/errors.ts';
import type { SkytaleError } from '../../base/errors.ts';
import type { ConnectionRefused, Deliver, Published, Ready } from '../gen/skytale/relay/v1/relay_pb.ts';
import type { LogEntry, PublishAnswer, RefusalReason, Submission, WelcomeDelivery } from '../relay-transport.ts';
import { decodeServerFrame, encodeClientFrame } from '../wire/frames.ts';
import type { ClientFrameInit, ServerFrameShape } from '../wire/frames.ts';
import { refusalError, refusalFromWire } from '../wire/refusals.ts';
import { PROTOCOL_VERSION } from '../wire/relay-service.ts';
import { answerFromWire, entryFromWire, safeNumber, submissionToWire, welcomeFromWire } from '../wire/values.ts';
import { FrameStream } from './frame-stream.ts';
import { Liveness } from './liveness.ts';
import type { TransportSettings } from './options.ts';
import { planPublish } from './publish-plan.ts';
import type { RelayLimits } from './publish-plan.ts';
import { errorOfCallEnd } from './status-error.ts';

/** Takes what arrives for one subscription. What it throws ends the connection. */
export interface SubscriptionSink {
  entries(entries: readonly LogEntry[]): void;
  caughtUp(headSeq: number): void;
  gap(afterSeq: number, resumesAtSeq: number): void;
  refused(reason: RefusalReason, error: SkytaleError): void;
}

/** What a {@link RelaySession} tells its owner. */
export interface SessionHandlers {
  /** The relay has answered `Hello`. Called at most once. */
  ready(): void;
  welcome(keyPackageRef: Uint8Array, delivery: WelcomeDelivery): void;
  /**
   * Called once, last, in a task of its own, unless {@link RelaySession.close} came first. `refusal` is set if trying
   * again does not cure it.
   */
  ended(error: SkytaleError, refusal: RefusalReason | undefined): void;
}

interface PublishInFlight {
  readonly submissions: number;
  resolve(answers: readonly PublishAnswer[]): void;
  reject(error: SkytaleError): void;
}

/** What a `Subscribe` frame carries beside the id that the session gives it. */
export type SubscribeInit = Omit<
  Extract<ClientFrameInit, { case: 'subscribe' }>['value'],
  'subscription' | '$typeName'
>;

/** Publish frames without an answer, beyond which `publish` rejects with `limit_exceeded`. */
const MAX_PUBLISHES_IN_FLIGHT = 1024;

/**
 * The protocol of `relay.proto` on one connection, from `Hello` to its end. Whoever owns it makes the next one: nothing
 * is carried over, and nothing of it is heard after its end.
 */
export class RelaySession {
  readonly #handlers: SessionHandlers;
  readonly #stream: FrameStream;
  readonly #liveness: Liveness;
  readonly #subscriptions = new Map<number, SubscriptionSink>();
  readonly #publishes = new Map<number, PublishInFlight>();
  readonly #cancelHandshakeTimeout: () => void;
  #limits: RelayLimits | undefined;
  #lastSubscription = 0;
  #lastRequest = 0;
  #lastPing = 0n;
  #isOver = false;

  constructor(settings: TransportSettings, token: string | undefined, handlers: SessionHandlers) {
    const { clock, pingAfterMs, lostAfterMs, connectTimeoutMs } = settings;
    this.#handlers = handlers;
    this.#stream = new FrameStream(settings, token, {
      frame: (bytes) => this.#receive(bytes),
      ended: (end) => {
        const error = errorOfCallEnd(end, this.#limits !== undefined);
        // Once ready, a token that is no longer accepted has expired: the next attempt asks for a fresh one.
        this.#end(error, error instanceof AuthError && this.#limits === undefined ? 'unauthorized' : undefined);
      },
    });
    this.#liveness = new Liveness({
      clock,
      pingAfterMs,
      lostAfterMs,
      ping: () => {
        if (this.#limits !== undefined) this.#send({ case: 'ping', value: { nonce: (this.#lastPing += 1n) } });
      },
      lost: () =>
        this.#end(new TransportError('connection_lost', `the relay gave no sign of life for ${lostAfterMs} ms`)),
    });
    this.#cancelHandshakeTimeout = clock.schedule(connectTimeoutMs, () => {
      this.#end(new TransportError('connection_error', `the relay did not answer within ${connectTimeoutMs} ms`));
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

  /** As `ChannelLink.publish`. Only when ready. */
  async publish(
    channel: string,
    group: Uint8Array,
    submissions: readonly Submission[],
  ): Promise<readonly PublishAnswer[]> {
    if (this.#isOver || this.#limits === undefined) {
      throw new TransportError('connection_lost', 'the connection to the relay is lost');
    }
    const plan = planPublish(submissions, this.#limits);
    const requests = plan.frames.map((indexes) => {
      const request = (this.#lastRequest = (this.#lastRequest + 1) >>> 0);
      const wire = indexes.map((index) => submissionToWire(submissions[index]!));
      const bytes = encodeClientFrame({ case: 'publish', value: { request, channel, group, submissions: wire } });
      return { request, indexes, bytes };
    });
    const isFull = this.#publishes.size + requests.length > MAX_PUBLISHES_IN_FLIGHT;
    if (isFull || !this.#stream.hasRoomFor(requests.reduce((sum, { bytes }) => sum + bytes.length, 0))) {
      throw new TransportError('limit_exceeded', 'too much waits to be sent to the relay; wait for answers first');
    }
    const answered = requests.map(({ request, indexes, bytes }) => {
      const promise = new Promise<readonly PublishAnswer[]>((resolve, reject) => {
        this.#publishes.set(request, { submissions: indexes.length, resolve, reject });
      });
      this.#sendBytes(bytes);
      return promise;
    });
    const answers: PublishAnswer[] = [];
    for (const [frame, frameAnswers] of (await Promise.all(answered)).entries()) {
      frameAnswers.forEach((answer, position) => (answers[plan.frames[frame]![position]!] = answer));
    }
    for (const [index, refusal] of plan.refusals) answers[index] = refusal;
    return answers;
  }

  /** Ends the connection without a word to the handlers. Publishes in flight reject. Resolves when it is released. */
  close(): Promise<void> {
    this.#stop(new TransportError('connection_lost', 'the transport was closed'));
    return this.#stream.close();
  }

  /** Ends the connection; the owner hears of it after the code that runs now, so a call never re-enters its caller. */
  #end(error: SkytaleError, refusal?: RefusalReason): void {
    if (!this.#stop(error)) return;
    void this.#stream.close();
    queueMicrotask(() => this.#handlers.ended(error, refusal));
  }

  #stop(error: SkytaleError): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#cancelHandshakeTimeout();
    this.#liveness.stop();
    this.#subscriptions.clear();
    for (const { reject } of this.#publishes.values()) reject(inFlightError(error));
    this.#publishes.clear();
    return true;
  }

  #send(frame: ClientFrameInit): void {
    this.#sendBytes(encodeClientFrame(frame));
  }

  #sendBytes(bytes: Buffer): void {
    if (this.#isOver || this.#stream.send(bytes)) return;
    this.#end(new TransportError('connection_lost', 'the relay does not read what is sent'));
  }

  #receive(bytes: Buffer): void {
    if (this.#isOver) return;
    this.#liveness.heard();
    try {
      this.#handle(decodeServerFrame(bytes));
    } catch (error) {
      this.#end(toSkytaleError(error));
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
      case 'pong':
        return;
    }
  }

  #ready(ready: Ready): void {
    if (this.#limits !== undefined) throw broken('ready came twice');
    if (ready.protocolVersion !== PROTOCOL_VERSION) {
      const detail = `the relay answered with protocol version ${ready.protocolVersion}, this client speaks ${PROTOCOL_VERSION}`;
      return this.#end(new TransportError('unsupported_version', detail), 'unsupported-version');
    }
    if (ready.maxPayloadBytes === 0 || ready.maxBatchEntries === 0) throw broken('ready does not tell the limits');
    this.#limits = { maxPayloadBytes: ready.maxPayloadBytes, maxBatchEntries: ready.maxBatchEntries };
    this.#cancelHandshakeTimeout();
    this.#handlers.ready();
  }

  #refused(refused: ConnectionRefused): void {
    const reason = refusalFromWire(refused.reason);
    const isFinal = reason === 'unsupported-version' || (reason === 'unauthorized' && this.#limits === undefined);
    this.#end(refusalError(reason, refused.detail), isFinal ? reason : undefined);
  }

  #deliver({ subscription, entries }: Deliver): void {
    const sink = this.#sink(subscription);
    if (sink !== undefined && entries.length > 0) sink.entries(entries.map(entryFromWire));
  }

  #published({ request, answers }: Published): void {
    const publish = this.#publishes.get(request);
    if (publish === undefined) throw broken('an answer came to no publish');
    if (publish.submissions !== answers.length) {
      throw broken(`${answers.length} answers came to ${publish.submissions} submissions`);
    }
    const read = answers.map(answerFromWire);
    this.#publishes.delete(request);
    publish.resolve(read);
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

/** What happened to the connection does not tell what happened to a submission: for its sender it is lost. */
function inFlightError(cause: SkytaleError): SkytaleError {
  if (cause.code === 'connection_lost') return cause;
  return new TransportError('connection_lost', 'the connection ended before the relay answered', { cause });
}
