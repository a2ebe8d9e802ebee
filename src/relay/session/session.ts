import { Metadata, status } from '@grpc/grpc-js';
import { parseChannelName } from '../../base/channel-name.ts';
import type { Clock } from '../../base/clock.ts';
import { SkytaleError } from '../../base/errors.ts';
import {
  answerToWire,
  decodeClientFrame,
  encodeServerFrame,
  GROUP_BYTES,
  PROTOCOL_VERSION,
  refusalToWire,
  startFromWire,
} from '../../transport/index.ts';
import type { ClientFrameShape, RefusalReason, ServerFrameInit } from '../../transport/index.ts';
import type { DeliveryHub } from '../delivery/delivery-hub.ts';
import { Subscription } from '../delivery/subscription.ts';
import type { LogEngine } from '../engine/log-engine.ts';
import type { RelayLimits } from '../limits.ts';
import type { RelayLogger } from '../relay-logger.ts';
import { DeliveryQueue } from './delivery-queue.ts';
import { FrameWriter } from './frame-writer.ts';
import type { RelayCall } from './frame-writer.ts';
import { isKeyPackageRef, messageOf, publish } from './publish-intake.ts';
import type { PublishFrame } from './publish-intake.ts';
import { WelcomeDesk } from './welcome-desk.ts';

/** What all sessions of a relay share. */
export interface SessionContext {
  readonly engine: LogEngine;
  readonly hub: DeliveryHub;
  readonly limits: RelayLimits;
  readonly clock: Clock;
  readonly logger: RelayLogger;
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

/** Ends the connection for a reason that a reconnect does not cure. */
class ConnectionRefusal extends Error {
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, detail: string) {
    super(detail);
    this.reason = reason;
  }
}

/** One client's connection: reads its frames, keeps its subscriptions, writes what is for it. */
export class Session {
  readonly #call: RelayCall;
  readonly #context: SessionContext;
  readonly #writer: FrameWriter;
  readonly #queue: DeliveryQueue;
  readonly #welcomes: WelcomeDesk;
  readonly #subscriptions = new Map<number, Subscription>();
  /** Refused by the relay while frames about them may be on their way here. */
  readonly #refused = new Set<number>();
  #isGreeted = false;
  #isEnded = false;
  #unansweredBytes = 0;
  #onAnswered: (() => void) | undefined;
  readonly #cancelHelloTimeout: () => void;
  /** Resolves when the connection is over and all its subscriptions are ended. */
  readonly closed: Promise<void>;

  constructor(call: RelayCall, context: SessionContext) {
    const { engine, limits, clock, hub } = context;
    this.#call = call;
    this.#context = context;
    this.#writer = new FrameWriter(call, limits.maxUnreadBytes, () => this.#room());
    this.#queue = new DeliveryQueue(
      engine,
      () => this.#writer.hasRoom,
      (error) => this.#logReadError(error),
    );
    this.#welcomes = new WelcomeDesk(engine, hub, {
      deliver: (welcome) => this.#send({ case: 'welcome', value: welcome }),
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
    for (const subscription of this.#subscriptions.values()) this.#drop(subscription);
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
        return this.#subscribe(frame.value);
      case 'credit':
        return this.#subscription(frame.value.subscription)?.grant(frame.value.entries);
      case 'unsubscribe':
        return this.#unsubscribe(frame.value.subscription);
      case 'publish':
        return this.#publish(frame.value, bytes);
      case 'awaitWelcome':
        return this.#awaitWelcome(frame.value);
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
    logger.debug({ peer: this.#call.getPeer(), client: client.slice(0, 64) }, 'client connected');
    const { maxPayloadBytes, maxBatchEntries } = limits;
    this.#send({ case: 'ready', value: { protocolVersion: PROTOCOL_VERSION, maxPayloadBytes, maxBatchEntries } });
  }

  #subscribe({ subscription: id, channel: name, group, start: wireStart, credit }: Frame<'subscribe'>): void {
    if (this.#subscriptions.has(id)) {
      throw new ConnectionRefusal('protocol-error', `subscription ${id} is in use on this connection`);
    }
    this.#refused.delete(id);
    if (this.#subscriptions.size >= this.#context.limits.maxSubscriptions) {
      const detail = `${this.#context.limits.maxSubscriptions} subscriptions on one connection are allowed`;
      return this.#refuseSubscription(id, 'limit', detail);
    }
    if (group.length !== GROUP_BYTES) {
      return this.#refuseSubscription(id, 'malformed', `group has ${group.length} bytes instead of ${GROUP_BYTES}`);
    }
    let channel;
    try {
      channel = parseChannelName(name);
    } catch (error) {
      return this.#refuseSubscription(id, 'invalid-channel', messageOf(error));
    }
    const start = startFromWire(wireStart);
    const request = { id, channel, group: new Uint8Array(group), start, credit };
    const subscription = new Subscription(request, this.#context.hub, {
      deliver: (number, chunk) => this.#writer.write(chunk.frame(number)),
      caughtUp: (number, headSeq) =>
        this.#send({ case: 'caughtUp', value: { subscription: number, headSeq: BigInt(headSeq) } }),
      gap: (number, afterSeq, resumesAtSeq) => {
        const value = { subscription: number, afterSeq: BigInt(afterSeq), resumesAtSeq: BigInt(resumesAtSeq) };
        this.#send({ case: 'gap', value });
      },
      refused: (number, reason, detail) => this.#refuseSubscription(number, reason, detail),
      ready: (ready) => this.#queue.add(ready),
    });
    this.#subscriptions.set(id, subscription);
    subscription.open(this.#context.engine, start).catch((error: unknown) => {
      this.#logReadError(error);
      subscription.fail();
    });
  }

  #unsubscribe(id: number): void {
    const subscription = this.#subscription(id);
    this.#refused.delete(id);
    if (subscription !== undefined) this.#drop(subscription);
  }

  /** `undefined` if the relay has refused it and the client cannot know yet. */
  #subscription(id: number): Subscription | undefined {
    const subscription = this.#subscriptions.get(id);
    if (subscription === undefined && !this.#refused.has(id)) {
      throw new ConnectionRefusal('protocol-error', `there is no subscription ${id} on this connection`);
    }
    return subscription;
  }

  #drop(subscription: Subscription): void {
    subscription.end();
    this.#queue.remove(subscription);
    this.#subscriptions.delete(subscription.id);
  }

  #refuseSubscription(id: number, reason: RefusalReason, detail: string): void {
    const subscription = this.#subscriptions.get(id);
    if (subscription !== undefined) this.#drop(subscription);
    this.#refused.add(id);
    const [oldest] = this.#refused;
    if (this.#refused.size > this.#context.limits.maxSubscriptions && oldest !== undefined)
      this.#refused.delete(oldest);
    this.#send({ case: 'subscriptionRefused', value: { subscription: id, reason: refusalToWire(reason), detail } });
  }

  #publish(frame: PublishFrame, bytes: number): void {
    this.#unansweredBytes += bytes;
    this.#throttle();
    const { engine, limits } = this.#context;
    publish(engine, limits, frame)
      .then((answers) => {
        this.#send({ case: 'published', value: { request: frame.request, answers: answers.map(answerToWire) } });
        this.#unansweredBytes -= bytes;
        if (this.#unansweredBytes === 0) this.#onAnswered?.();
        this.#throttle();
      })
      .catch((error: unknown) => this.#crash(error));
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
    this.#queue.run();
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
    return new Promise((resolve) => (this.#onAnswered = resolve));
  }

  #refuseConnection(reason: RefusalReason, detail: string): void {
    if (this.#isEnded) return;
    this.#context.logger.warn({ peer: this.#call.getPeer(), reason, detail }, 'connection refused');
    this.#stop();
    this.#send({ case: 'connectionRefused', value: { reason: refusalToWire(reason), detail } });
    this.#writer.end();
  }

  /** A mistake of ours must not take the other connections down with it. */
  #crash(error: unknown): void {
    this.#context.logger.error({ err: error, peer: this.#call.getPeer() }, 'session failed');
    this.#stop();
    this.#writer.endWith({ code: status.INTERNAL, details: 'the relay failed on this connection' });
  }

  #logReadError(error: unknown): void {
    this.#context.logger.error({ err: error }, 'the log cannot be read');
  }
}
