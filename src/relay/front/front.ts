import { createServer } from 'node:net';
import type { AddressInfo, Server as NetServer, Socket } from 'node:net';
import { status as Status } from '@grpc/grpc-js';
import type { Server, ServerDuplexStream } from '@grpc/grpc-js';
import { TransportError } from '../../base/errors.ts';
import { Connection } from './connection.ts';
import type { FrontContext } from './connection.ts';
import { GrpcSockets } from './grpc-sockets.ts';
import { Http1 } from './http1.ts';
import type { HttpRoutes } from './http-routes.ts';
import type { Peer } from './peer.ts';
import { detectProtocol } from './protocol.ts';
import type { Protocol } from './protocol.ts';
import type { TlsMaterial } from './tls-files.ts';
import { TlsSockets } from './tls-sockets.ts';
import { within } from './within.ts';

/** What a {@link Front} serves. */
export interface FrontOptions {
  /** Gets all gRPC calls. Its services are added already; it is bound to no port. */
  readonly server: Server;
  readonly routes: HttpRoutes;
  /** Paths of the calls that go on for as long as their peers like. All others are to be brief. */
  readonly lastingPaths?: ReadonlySet<string>;
  /** Without it, nothing is encrypted. */
  readonly tls: TlsMaterial | undefined;
}

/** A peer whose host is gone is noticed by the operating system after so long, also before it speaks HTTP/2. */
const TCP_KEEPALIVE_MS = 20_000;
/** Connections that the operating system holds until they are accepted. It may allow less. */
const BACKLOG = 1024;

/**
 * The relay's one port. It accepts the sockets itself and hands them to gRPC or to plain HTTP, as their first bytes or
 * the TLS handshake tell; so it can count them, end those that do not get to the point, and cut off those that nothing
 * polite can reach.
 */
export class Front {
  readonly #listener: NetServer;
  readonly #connections = new Set<Connection>();
  readonly #context: FrontContext;
  readonly #grpc: GrpcSockets;
  readonly #http1: Http1;
  readonly #tls: TlsSockets | undefined;
  #isFull = false;

  constructor({ server, routes, lastingPaths = new Set(), tls }: FrontOptions, context: FrontContext) {
    this.#context = context;
    const { logger } = context;
    this.#grpc = new GrpcSockets(server, routes, lastingPaths, context);
    if (!this.#grpc.isWhole) {
      logger.warn({}, 'this version of grpc-js is not known: no idle timeout, small windows, no plain HTTP/2');
    }
    this.#http1 = new Http1(routes, context);
    if (tls !== undefined) {
      this.#tls = new TlsSockets(tls, context, (socket, connection) => {
        if (socket.alpnProtocol === 'h2') this.#grpc.serve(socket, connection);
        else this.#http1.serve(socket, connection);
      });
    }
    this.#listener = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEPALIVE_MS });
    this.#listener.on('connection', (socket) => this.#accept(socket));
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#connections.size;
  }

  /**
   * Listens; resolves to the port.
   *
   * @throws {@link TransportError} `connection_error` if the address cannot be listened on.
   */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#listener.once('error', (cause) =>
        reject(new TransportError('connection_error', `cannot listen on port ${port} of ${host}`, { cause })),
      );
      this.#listener.listen({ host, port, backlog: BACKLOG }, () => {
        this.#listener.on('error', (error) => this.#context.logger.error({ err: error }, 'a socket was not accepted'));
        resolve((this.#listener.address() as AddressInfo).port);
      });
    });
  }

  /** Whose call it is. To be asked while the handler of the call is called. */
  caller(call: Pick<ServerDuplexStream<unknown, unknown>, 'getPeer' | 'emit'>): Peer {
    const status = { code: Status.UNAVAILABLE, details: 'the relay has cut this call off' };
    const cut = (): void => void call.emit('error', status);
    return this.#grpc.caller ?? { address: call.getPeer(), takenBytes: 0, hold: () => () => undefined, cut };
  }

  /** Uses another certificate for the connections that come from now on. */
  renewTls(material: TlsMaterial): void {
    this.#tls?.renew(material);
  }

  /** Accepts nobody any more, and sends those away who have not asked for anything. */
  stopAccepting(): void {
    this.#listener.close();
    for (const connection of this.#connections) if (!connection.wasAsked) connection.destroy();
  }

  /** Waits until all connections are closed, and cuts off those that are left after `graceMs`; resolves to how many. */
  async closed(graceMs: number): Promise<number> {
    const gone = Promise.all([...this.#connections].map(({ closed }) => closed));
    if (await within(graceMs, gone, this.#context.clock)) return 0;
    const left = [...this.#connections];
    for (const connection of left) connection.cut('drain-timeout');
    await gone;
    return left.length;
  }

  #accept(socket: Socket): void {
    if (!this.#makeRoom()) {
      socket.destroy();
      return;
    }
    const connection = new Connection(socket, this.#context);
    this.#connections.add(connection);
    this.#context.metrics.connectionOpened();
    void connection.closed.then(() => {
      this.#connections.delete(connection);
      if (this.#connections.size < this.#context.limits.maxConnections) this.#isFull = false;
    });
    if (this.#tls !== undefined) this.#tls.serve(socket, connection);
    else detectProtocol(socket, (protocol) => this.#dispatch(protocol, socket, connection));
  }

  /**
   * Where all places are taken, the oldest connection goes that no client is served on. Otherwise strangers, who need no
   * token to ask for the relay's health and to listen to the answers, could take all of them and keep them.
   */
  #makeRoom(): boolean {
    const { limits, metrics, logger } = this.#context;
    if (this.#connections.size < limits.maxConnections) return true;
    if (!this.#isFull) logger.warn({ maxConnections: limits.maxConnections }, 'no room for more connections');
    this.#isFull = true;
    for (const connection of this.#connections) {
      if (connection.isHeld) continue;
      this.#connections.delete(connection);
      connection.cut('too-many');
      return true;
    }
    metrics.connectionCut('too-many');
    return false;
  }

  #dispatch(protocol: Protocol, socket: Socket, connection: Connection): void {
    if (protocol === 'http2') this.#grpc.serve(socket, connection);
    else if (protocol === 'http1') this.#http1.serve(socket, connection);
    else connection.cut('bad-input');
  }
}
