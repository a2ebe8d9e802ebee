import { Metadata, status } from '@grpc/grpc-js';
import type { Clock } from '../../base/clock.ts';
import { SkytaleError } from '../../base/errors.ts';
import {
  answerToWire,
  decodeClientFrame,
  encodeServerFrame,
  PROTOCOL_VERSION,
  refusalToWire,
} from '../../transport/index.ts';
import type { ClientFrameShape, RefusalReason, ServerFrameInit } from '../../transport/index.ts';
import type { DeliveryHub } from '../delivery/delivery-hub.ts';
import type { LogEngine } from '../engine/log-engine.ts';
import type { Peer } from '../front/peer.ts';
import type { RelayLimits } from '../limits.ts';
import type { RelayLogger } from '../relay-logger.ts';
import type { RelayMetrics } from '../relay-metrics.ts';
import { ConnectionRefusal } from './connection-refusal.ts';
import { FrameWriter } from './frame-writer.ts';
import type { RelayCall } from './frame-writer.ts';
import { isKeyPackageRef, publish } from './publish-intake.ts';
import type { PublishFrame } from './publish-intake.ts';
import { SubscriptionDesk } from './subscription-desk.ts';
import { WelcomeDesk } from './welcome-desk.ts';

/** What all sessions of a relay share. */
export interface SessionContext {
  readonly engine: LogEngine;
  readonly hub: DeliveryHub;
  readonly limits: RelayLimits;
  readonly clock: Clock;
  readonly logger: RelayLogger;
  readonly metrics: RelayMetrics;
}

/** What one session holds in memory. */
export interface SessionHoldings {
  readonly subscriptions: number;
  /** Bytes written and not yet taken by the connection. */
  readonly unreadBytes: number;
  /** Bytes of publishes that have no answer yet. */
  readonly unansweredBytes: number;
}

type Frame<Case extends NonNullable<ClientFrameShape['case']>> = Extract<ClientFrameShape, { case: Case }>['value'];

/** One client's connection: reads its frames, keeps its subscriptions, writes what is for it. */
export class Session {
  readonly #call: RelayCall;
  readonly #context: SessionContext;
  readonly #peer: Peer;
  readonly #writer: FrameWriter;
  readonly #subscriptions: SubscriptionDesk;
  readonly #welcomes: WelcomeDesk;
  #isGreeted = false;
  #isEnded = false;
  #unansweredBytes = 0;
  /** Those who wait until nothing is unanswered. */
  readonly #onAnswered: (() => void)[] = [];
  readonly #cancelHelloTimeout: () => void;
  /** Resolves when the connection is over and all its subscriptions are ended. */
  readonly closed: Promise<void>;

  constructor(call: RelayCall, context: SessionContext, peer: Peer) {
    const { engine, limits, clock, hub } = context;
    this.#call = call;
    this.#context = context;
    this.#peer = peer;
    this.#writer = new FrameWriter(call, limits.maxUnreadBytes, () => this.#room());
    this.#subscriptions = new SubscriptionDesk(engine, hub, limits.maxSubscriptions, {
      hasRoom: () => this.#writer.hasRoom,
      deliver: (subscription, chunk) => this.#writer.write(chunk.frame(subscription)),
      send: (frame) => this.#send(frame),
      readFailed: (error) => this.#logReadError(error),
    });
    this.#welcomes = new WelcomeDesk(engine, hub, {
      send: (frame) => this.#send(frame),
      failed: (error) => this.#logReadError(error),
    });
    this.#cancelHelloTimeout = clock.schedule(limits.helloTimeoutMs, () =>
      this.#refuseConnection('protocol-error', 'no Hello came in time'),
    );
    this.closed = new Promise((resolve) => {
      const over = (): void => {
        this.#writer.abandon();
        this.#stop();
        resolve();
      };
      for (const event of ['close', 'cancelled', 'finish']) call.on(event, over);
    });
    call.on('error', () => undefined); // one of the events above follows; without a listener the process would end
    call.on('data', (bytes: Buffer) => this.#receive(bytes));
    call.on('end', () => void this.#finish());
    call.sendMetadata(new Metadata()); // tells the client early that it is connected
  }

  /** What the session holds now. */
  get holdings(): SessionHoldings {
    return {
      subscriptions: this.#subscriptions.size,
      unreadBytes: this.#writer.unreadBytes,
      unansweredBytes: this.#unansweredBytes,
    };
  }

  /** Answers what was published, then ends the stream with `UNAVAILABLE`, which tells the client to come back. */
  async drain(reason: string): Promise<void> {
    this.#stop();
    await this.#answered();
    this.#writer.endWith({ code: status.UNAVAILABLE, details: reason });
  }

  /** The client has ended its side: answer what it asked, and end ours. */
  async #finish(): Promise<void> {
    this.#stop();
    await this.#answered();
    this.#writer.end();
  }

  /** Ends all that goes on by itself. What was published is still answered. */
  #stop(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#cancelHelloTimeout();
    this.#subscriptions.close();
    this.#welcomes.close();
    this.#call.resume(); // what still comes is read and dropped, so that the end is seen
  }

  #receive(bytes: Buffer): void {
    if (this.#isEnded) return;
    try {
      this.#handle(decodeClientFrame(bytes), bytes.length);
    } catch (error) {
      if (error instanceof ConnectionRefusal) this.#refuseConnection(error.reason, error.message);
      else if (error instanceof SkytaleError) this.#refuseConnection('protocol-error', error.message);
      else this.#crash(error);
    }
  }

  #handle(frame: ClientFrameShape, bytes: number): void {
    if (frame.case === 'hello') return this.#hello(frame.value);
    if (!this.#isGreeted) throw new ConnectionRefusal('protocol-error', 'the first frame must be a Hello');
    switch (frame.case) {
      case 'subscribe':
        return this.#subscriptions.subscribe(frame.value);
      case 'credit':
        return this.#subscriptions.grant(frame.value.subscription, frame.value.entries);
      case 'unsubscribe':
        return this.#subscriptions.unsubscribe(frame.value.subscription);
      case 'publish':
        return this.#publish(frame.value, bytes);
      case 'awaitWelcome':
        return this.#awaitWelcome(frame.value);
      case 'authenticate':
        throw new ConnectionRefusal('protocol-error', 'this relay asks for no token');
      case 'ping':
        return this.#send({ case: 'pong', value: { nonce: frame.value.nonce } });
      case undefined:
        throw new ConnectionRefusal('protocol-error', 'a frame of a kind that this relay does not know');
    }
  }

  #hello({ protocolVersion, client }: Frame<'hello'>): void {
    if (this.#isGreeted) throw new ConnectionRefusal('protocol-error', 'a second Hello on one connection');
    if (protocolVersion !== PROTOCOL_VERSION) {
      const detail = `protocol version ${protocolVersion}; this relay speaks version ${PROTOCOL_VERSION}`;
      throw new ConnectionRefusal('unsupported-version', detail);
    }
    this.#isGreeted = true;
    this.#cancelHelloTimeout();
    const { logger, limits } = this.#context;
    logger.debug({ peer: this.#peer.address, client: client.slice(0, 64) }, 'client connected');
    const { maxPayloadBytes, maxBatchEntries, maxFrameBytes } = limits;
    this.#send({ case: 'ready', value: { protocolVersion, maxPayloadBytes, maxBatchEntries, maxFrameBytes } });
  }

  #publish(frame: PublishFrame, bytes: number): void {
    this.#unansweredBytes += bytes;
    this.#throttle();
    const { engine, limits } = this.#context;
    publish(engine, limits, frame)
      .then((answers) => {
        this.#send({ case: 'published', value: { request: frame.request, answers: answers.map(answerToWire) } });
      })
      .catch((error: unknown) => this.#crash(error))
      .finally(() => {
        this.#unansweredBytes -= bytes;
        if (this.#unansweredBytes === 0) for (const resolve of this.#onAnswered.splice(0)) resolve();
        this.#throttle();
      });
  }

  #awaitWelcome({ keyPackageRef }: Frame<'awaitWelcome'>): void {
    if (!isKeyPackageRef(keyPackageRef)) {
      throw new ConnectionRefusal('malformed', `a key package reference has ${keyPackageRef.length} bytes`);
    }
    if (this.#welcomes.waiting >= this.#context.limits.maxWelcomeWaits) {
      const detail = `${this.#context.limits.maxWelcomeWaits} waits for a Welcome on one connection are allowed`;
      throw new ConnectionRefusal('limit', detail);
    }
    this.#welcomes.wait(new Uint8Array(keyPackageRef));
  }

  #send(frame: ServerFrameInit): void {
    this.#writer.write(encodeServerFrame(frame));
    if (this.#writer.isFlooded) this.#throttle();
  }

  #room(): void {
    this.#throttle();
    this.#subscriptions.resume();
  }

  /** Reads nothing more from a client that is ahead of the log, or that does not read its own answers. */
  #throttle(): void {
    if (this.#isEnded) return;
    const isAhead = this.#unansweredBytes >= this.#context.limits.maxUnansweredBytes;
    if (isAhead || this.#writer.isFlooded) this.#call.pause();
    else if (this.#call.isPaused()) this.#call.resume();
  }

  #answered(): Promise<void> {
    if (this.#unansweredBytes === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onAnswered.push(resolve));
  }

  #refuseConnection(reason: RefusalReason, detail: string): void {
    if (this.#isEnded) return;
    this.#context.logger.warn({ peer: this.#peer.address, reason, detail }, 'connection refused');
    this.#stop();
    this.#send({ case: 'connectionRefused', value: { reason: refusalToWire(reason), detail } });
    this.#writer.end();
  }

  /** A mistake of ours must not take the other connections down with it. */
  #crash(error: unknown): void {
    this.#context.logger.error({ err: error, peer: this.#peer.address }, 'session failed');
    this.#stop();
    this.#writer.endWith({ code: status.INTERNAL, details: 'the relay failed on this connection' });
  }

  #logReadError(error: unknown): void {
    this.#context.logger.error({ err: error }, 'the log cannot be read');
  }
}
