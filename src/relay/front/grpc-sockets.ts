import { ServerCredentials } from '@grpc/grpc-js';
import type { ConnectionInjector, Server } from '@grpc/grpc-js';
import type { Http2Server, Http2Session, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import { keepBrief } from './brief-calls.ts';
import type { Connection, FrontContext } from './connection.ts';
import { answerHttp2, closeWhenAnswered } from './http2-streams.ts';
import { pathOf } from './http-routes.ts';
import type { HttpRoutes } from './http-routes.ts';

/**
 * Bytes that a peer may send ahead, on a connection and on each of its streams (RFC 9113 §5.2). With the 64 KiB of the
 * protocol a round trip of 50 ms allows 1.3 MB a second, whatever the line could carry.
 */
const WINDOW_BYTES = 1024 * 1024;

type StreamHandler = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, ...rest: unknown[]) => void;

/**
 * Hands sockets to a gRPC server, and stands between it and the requests on them: it answers those of plain HTTP/2,
 * tells each connection of its requests, and knows which connection a call came on.
 *
 * The server of grpc-js keeps its HTTP/2 server to itself. Where it cannot be found, gRPC is served all the same, but
 * without all of this; `isWhole` tells.
 */
export class GrpcSockets {
  readonly isWhole: boolean;
  readonly #injector: ConnectionInjector;
  readonly #http2: Http2Server | undefined;
  readonly #routes: HttpRoutes;
  readonly #lastingPaths: ReadonlySet<string>;
  readonly #context: FrontContext;
  readonly #connections = new WeakMap<Http2Session, Connection>();
  #caller: Connection | undefined;

  /** @param lastingPaths of the calls that go on for as long as their peers like, and look after themselves */
  constructor(server: Server, routes: HttpRoutes, lastingPaths: ReadonlySet<string>, context: FrontContext) {
    this.#routes = routes;
    this.#lastingPaths = lastingPaths;
    this.#context = context;
    // Without TLS also where there is TLS: what is handed over then is the decrypted side.
    this.#injector = server.createConnectionInjector(ServerCredentials.createInsecure());
    this.#http2 = http2ServerOf(server);
    this.isWhole = this.#http2 !== undefined;
    if (this.#http2 !== undefined) this.#standBefore(this.#http2);
  }

  /** The connection of the call whose handler is being called at this moment. */
  get caller(): Connection | undefined {
    return this.#caller;
  }

  /** Takes over a socket whose peer speaks HTTP/2. */
  serve(socket: Duplex, connection: Connection): void {
    const adopt = (session: ServerHttp2Session): void => {
      this.#connections.set(session, connection);
      session.setLocalWindowSize(WINDOW_BYTES);
      connection.onGoodbye(() => session.close());
    };
    this.#http2?.once('session', adopt); // emitted while the socket is injected
    this.#injector.injectConnection(socket);
    this.#http2?.off('session', adopt);
    if (this.isWhole) return;
    connection.requestOpened(); // nobody will tell when one comes: at least it is not cut off
    connection.hold();
  }

  #standBefore(http2: Http2Server): void {
    http2.updateSettings({
      initialWindowSize: WINDOW_BYTES,
      maxHeaderListSize: this.#context.limits.maxHeaderBytes,
    });
    const callGrpc = http2.listeners('stream') as StreamHandler[];
    http2.removeAllListeners('stream');
    http2.on('stream', (stream, headers, ...rest: unknown[]) => {
      const connection = stream.session === undefined ? undefined : this.#connections.get(stream.session);
      if (connection !== undefined) {
        stream.once('close', connection.requestOpened());
        stream.once('aborted', () => connection.requestAborted());
      }
      closeWhenAnswered(stream, this.#context);
      const path = headers[':path'] ?? '';
      if (headers[':method'] !== 'POST' || this.#routes.has(pathOf(path))) {
        answerHttp2(stream, headers, this.#routes, this.#context);
        return;
      }
      this.#caller = connection;
      try {
        for (const call of callGrpc) call(stream, headers, ...rest);
      } finally {
        this.#caller = undefined;
      }
      if (!this.#lastingPaths.has(path)) keepBrief(stream, this.#context);
    });
    http2.on('sessionError', (error: Error, session?: ServerHttp2Session) => {
      const connection = session === undefined ? undefined : this.#connections.get(session);
      this.#context.logger.debug({ peer: connection?.address, err: error }, 'HTTP/2 connection failed');
    });
  }
}

/** The HTTP/2 server that the connections of an injector end up in: a private field of the gRPC server. */
function http2ServerOf(server: Server): Http2Server | undefined {
  const { http2Servers } = server as unknown as { readonly http2Servers?: unknown };
  if (!(http2Servers instanceof Map)) return undefined;
  const [http2] = http2Servers.keys() as Iterable<Partial<Http2Server> | undefined>;
  if (typeof http2?.updateSettings !== 'function' || typeof http2.listeners !== 'function') return undefined;
  return http2.listeners('stream').length > 0 ? (http2 as Http2Server) : undefined;
}
