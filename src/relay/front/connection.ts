import type { Socket } from 'node:net';
import type { Clock } from '../../base/clock.ts';
import type { RelayLimits } from '../limits.ts';
import type { RelayLogger } from '../relay-logger.ts';
import type { ConnectionCut, RelayMetrics } from '../relay-metrics.ts';
import type { Peer } from './peer.ts';

/** What all connections of a relay share. */
export interface FrontContext {
  readonly limits: RelayLimits;
  readonly clock: Clock;
  readonly logger: RelayLogger;
  readonly metrics: RelayMetrics;
}

/** More calls than this that are taken back in so much time are an attack (CVE-2023-44487), not a change of mind. */
const MAX_ABORTS = 200;
const ABORTS_WITHIN_MS = 10_000;
/** Time for a goodbye to get through to a peer that asks for nothing. */
const GOODBYE_MS = 1_000;

/**
 * One accepted socket, from the accept to its end. Knows how many requests are open on it: without the first one in
 * time, and without any for too long, it is closed.
 */
export class Connection implements Peer {
  readonly address: string;
  /** Resolves when the socket is closed. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #context: FrontContext;
  #openRequests = 0;
  #wasAsked = false;
  #clients = 0;
  #aborts = 0;
  #isCut = false;
  #cancelTimer: () => void;
  #cancelAbortTimer: () => void = () => undefined;
  #sayGoodbye: (() => void) | undefined;

  constructor(socket: Socket, context: FrontContext) {
    this.#socket = socket;
    this.#context = context;
    this.address = addressOf(socket);
    this.#cancelTimer = context.clock.schedule(context.limits.handshakeTimeoutMs, () =>
      this.#endQuiet('slow-handshake'),
    );
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#end();
        resolve();
      });
    });
    socket.on('error', (error) => context.logger.debug({ peer: this.address, err: error }, 'socket failed'));
  }

  /** Grows only while the peer takes what it is sent: little is handed to the operating system in advance. */
  get takenBytes(): number {
    return this.#socket.bytesWritten;
  }

  /** Whether a request ever came. */
  get wasAsked(): boolean {
    return this.#wasAsked;
  }

  /** Whether a client is served on it: somebody who has said who it is, where the relay asks. */
  get isHeld(): boolean {
    return this.#clients > 0;
  }

  hold(): () => void {
    this.#clients += 1;
    let isOver = false;
    return () => {
      if (!isOver) this.#clients -= 1;
      isOver = true;
    };
  }

  /** How the protocol spoken here tells its peer that the connection will end. */
  onGoodbye(sayGoodbye: () => void): void {
    this.#sayGoodbye = sayGoodbye;
  }

  /** A request is there, with all its headers. The returned function, to be called once, ends it. */
  requestOpened(): () => void {
    this.#openRequests += 1;
    this.#wasAsked = true;
    this.#cancelTimer();
    return () => {
      this.#openRequests -= 1;
      if (this.#openRequests > 0 || this.#isCut) return;
      this.#cancelTimer = this.#context.clock.schedule(this.#context.limits.idleTimeoutMs, () =>
        this.#endQuiet('idle'),
      );
    };
  }

  /** The peer has taken back a request before it was answered. */
  requestAborted(): void {
    if (this.#isCut) return;
    this.#aborts += 1;
    if (this.#aborts === 1) {
      this.#cancelAbortTimer = this.#context.clock.schedule(ABORTS_WITHIN_MS, () => (this.#aborts = 0));
    }
    if (this.#aborts > MAX_ABORTS) this.cut('flood');
  }

  cut(reason: ConnectionCut): void {
    if (this.#isCut) return;
    this.#end();
    this.#count(reason);
    // A reset and no orderly end: that would wait for the peer to take what is written, in the kernel's memory.
    this.#socket.resetAndDestroy();
  }

  /** Ends a connection that nothing is lost with. */
  destroy(): void {
    this.#socket.destroy();
  }

  #end(): void {
    this.#isCut = true;
    this.#cancelTimer();
    this.#cancelAbortTimer();
  }

  /** Ends a connection without a request. A peer that can be told is told: it may only have been early, or late. */
  #endQuiet(reason: ConnectionCut): void {
    if (this.#sayGoodbye === undefined) {
      this.cut(reason);
      return;
    }
    this.#count(reason);
    this.#sayGoodbye();
    this.#cancelTimer = this.#context.clock.schedule(GOODBYE_MS, () => this.#socket.destroy());
  }

  #count(reason: ConnectionCut): void {
    this.#context.metrics.connectionCut(reason);
    this.#context.logger.debug({ peer: this.address, reason }, 'connection cut');
  }
}

/** `192.0.2.7:49152`, or `[2001:db8::7]:49152`. */
function addressOf({ remoteAddress = 'unknown', remotePort = 0 }: Socket): string {
  return remoteAddress.includes(':') ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`;
}
