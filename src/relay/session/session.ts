import { Metadata, status } from '@grpc/grpc-js';
import { AuthError, SkytaleError } from '../../base/errors.ts';
import { decodeClientFrame, encodeServerFrame, refusalToWire } from '../../transport/index.ts';
import type { ClientFrameShape, RefusalReason, ServerFrameInit } from '../../transport/index.ts';
import type { AccessControl, Principal } from '../access/index.ts';
import type { Chunk } from '../delivery/chunk.ts';
import type { Peer } from '../front/peer.ts';
import { maxFrameFields } from '../limits.ts';
import { tokenOfCall } from './call-token.ts';
import { ConnectionRefusal } from './connection-refusal.ts';
import { FrameWriter } from './frame-writer.ts';
import type { RelayCall } from './frame-writer.ts';
import { checkVersion, readyOf } from './greeting.ts';
import { PublishDesk } from './publish-desk.ts';
import type { SessionContext } from './session-context.ts';
import { SubscriptionDesk } from './subscription-desk.ts';
import { TokenDesk } from './token-desk.ts';
import type { Sender } from './token-desk.ts';
import { WelcomeDesk } from './welcome-desk.ts';

export type { SessionContext } from './session-context.ts';

/** What one session holds in memory. */
export interface SessionHoldings {
  readonly subscriptions: number;
  /** Bytes written and not yet taken by the connection. */
  readonly unreadBytes: number;
  /** Bytes of publishes that have no answer yet. */
  readonly unansweredBytes: number;
}

type Frame<Case extends NonNullable<ClientFrameShape['case']>> = Extract<ClientFrameShape, { case: Case }>['value'];

/**
 * One client's connection: reads its frames, keeps its subscriptions, writes what is for it. Where the relay
 * authenticates, no frame is read before the call's token is verified; until then they wait in the window of the stream.
 */
export class Session {
  readonly #call: RelayCall;
  readonly #context: SessionContext;
  readonly #peer: Peer;
  readonly #writer: FrameWriter;
  readonly #publishes: PublishDesk;
  readonly #subscriptions: SubscriptionDesk;
  readonly #welcomes: WelcomeDesk;
  /** Absent where the relay is open. */
  readonly #tokens: TokenDesk | undefined;
  #isGreeted = false;
  #release: () => void = () => undefined;
  #isEnded = false;
  readonly #cancelHelloTimeout: () => void;
  readonly #maxFields: number;
  /** Resolves when the connection is over and all its subscriptions are ended. */
  readonly closed: Promise<void>;

  constructor(call: RelayCall, context: SessionContext, peer: Peer) {
    const { access, limits, clock } = context;
    const sender = (): Sender | undefined => this.#tokens?.sender;
    const principal = (): Principal | undefined => sender()?.principal;
    const send = (frame: ServerFrameInit): void => this.#send(frame);
    const readFailed = (error: unknown): void => this.#logReadError(error);
    this.#call = call;
    this.#context = context;
    this.#peer = peer;
    this.#maxFields = maxFrameFields(limits);
    this.#writer = new FrameWriter(call, limits.maxUnreadBytes, () => this.#room());
    this.#publishes = new PublishDesk(context, sender, {
      send,
      changed: () => this.#throttle(),
      failed: (error) => this.#crash(error),
    });
    this.#subscriptions = new SubscriptionDesk(context, sender, {
      hasRoom: () => this.#writer.hasRoom,
      deliver: (subscription, chunk, onWritten) => this.#deliver(subscription, chunk, onWritten),
      send,
      readFailed,
      changed: () => this.#throttle(),
    });
    this.#welcomes = new WelcomeDesk(context, principal, { send, failed: readFailed });
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
    this.#tokens = access && this.#authenticate(access);
    if (access === undefined) this.#start();
  }

  /** What the session holds now. */
  get holdings(): SessionHoldings {
    return {
      subscriptions: this.#subscriptions.size,
      unreadBytes: this.#writer.unreadBytes,
      unansweredBytes: this.#publishes.unansweredBytes,
    };
  }

  /** Answers what was published, then ends the stream with `UNAVAILABLE`, which tells the client to come back. */
  async drain(reason: string): Promise<void> {
    this.#stop();
    await this.#publishes.answered();
    this.#writer.endWith({ code: status.UNAVAILABLE, details: reason });
  }

  /** Reads frames from now on. */
  #start(): void {
    if (this.#isEnded) return;
    this.#call.on('data', (bytes: Buffer) => this.#receive(bytes));
    this.#call.on('end', () => void this.#finish());
    this.#call.sendMetadata(new Metadata()); // tells the client early that it is connected
  }

  #authenticate(access: AccessControl): TokenDesk {
    const tokens = new TokenDesk(access, this.#context.clock, {
      send: (frame) => this.#send(frame),
      renewed: () => {
        this.#subscriptions.recheck();
        this.#welcomes.recheck();
      },
      ended: (why) => void this.#unauthenticate(why),
      failed: (error) => this.#crash(error),
    });
    tokens.open(tokenOfCall(this.#call.metadata)).then(
      () => this.#start(),
      (error: unknown) => this.#turnAway(error),
    );
    return tokens;
  }

  /** What was published in time is answered; then the client has to come back with another token. */
  async #unauthenticate(details: string): Promise<void> {
    this.#context.logger.debug({ peer: this.#peer.address, details }, 'token does not hold any more');
    this.#stop();
    await this.#publishes.answered();
    this.#writer.endWith({ code: status.UNAUTHENTICATED, details });
  }

  #turnAway(error: unknown): void {
    if (this.#isEnded) return;
    const { logger } = this.#context;
    const peer = this.#peer.address;
    if (error instanceof ConnectionRefusal) return this.#refuseConnection(error.reason, error.message);
    if (!(error instanceof SkytaleError)) return this.#crash(error);
    this.#stop();
    if (error instanceof AuthError) {
      logger.warn({ peer, detail: error.message }, 'token refused');
      this.#context.metrics.refused('unauthorized');
      this.#writer.endWith({ code: status.UNAUTHENTICATED, details: error.message });
    } else {
      logger.error({ err: error }, 'tokens cannot be verified');
      this.#writer.endWith({ code: status.UNAVAILABLE, details: 'tokens cannot be verified just now' });
    }
  }

  /** The client has ended its side: answer what it asked, and end ours. */
  async #finish(): Promise<void> {
    this.#stop();
    await this.#publishes.answered();
    this.#writer.end();
  }

  /** Ends all that goes on by itself. What was published is still answered. */
  #stop(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#cancelHelloTimeout();
    this.#release();
    this.#tokens?.close();
    this.#subscriptions.close();
    this.#welcomes.close();
    this.#call.resume(); // what still comes is read and dropped, so that the end is seen
  }

  #receive(bytes: Buffer): void {
    if (this.#isEnded) return;
    try {
      this.#handle(decodeClientFrame(bytes, this.#maxFields), bytes.length);
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
        return this.#publishes.publish(frame.value, bytes);
      case 'awaitWelcome':
        return this.#welcomes.wait(frame.value.keyPackageRef);
      case 'authenticate':
        return this.#renew(frame.value.token);
      case 'ping':
        return this.#send({ case: 'pong', value: { nonce: frame.value.nonce } });
      case undefined:
        throw new ConnectionRefusal('protocol-error', 'a frame of a kind that this relay does not know');
    }
  }

  #hello({ protocolVersion, client }: Frame<'hello'>): void {
    if (this.#isGreeted) throw new ConnectionRefusal('protocol-error', 'a second Hello on one connection');
    checkVersion(protocolVersion);
    this.#isGreeted = true;
    this.#release = this.#peer.hold();
    this.#cancelHelloTimeout();
    const { logger, limits } = this.#context;
    logger.debug({ peer: this.#peer.address, client: client.slice(0, 64) }, 'client connected');
    const expiresAtMs = this.#tokens?.sender?.principal.expiresAtMs;
    this.#send({ case: 'ready', value: readyOf(limits, expiresAtMs, this.#context.clock.now()) });
  }

  /** Clients need not know whether a relay asks for tokens: one that does not takes any. */
  #renew(token: string): void {
    if (this.#tokens !== undefined) return this.#tokens.renew(token);
    const clockMs = BigInt(this.#context.clock.now());
    this.#send({ case: 'authenticated', value: { tokenExpiresAtMs: 0n, clockMs } });
  }

  #deliver(subscription: number, chunk: Chunk, onWritten?: () => void): void {
    this.#writer.write(chunk.frame(subscription), onWritten);
    this.#context.metrics.delivered(chunk.run.seqs.length, chunk.run.bytes.length);
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
    const isAhead = this.#publishes.unansweredBytes >= this.#context.limits.maxUnansweredBytes;
    if (isAhead || this.#subscriptions.isAhead || this.#writer.isFlooded) this.#call.pause();
    else if (this.#call.isPaused()) this.#call.resume();
  }

  #refuseConnection(reason: RefusalReason, detail: string): void {
    if (this.#isEnded) return;
    this.#context.logger.warn({ peer: this.#peer.address, reason, detail }, 'connection refused');
    this.#stop();
    this.#context.metrics.refused(reason);
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
