import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Connection, FrontContext } from './connection.ts';
import { answerHttp } from './http-routes.ts';
import type { HttpRoutes } from './http-routes.ts';

/** Serves plain HTTP/1.1 on sockets that somebody else accepted: one request a connection. */
export class Http1 {
  readonly #server: Server;
  readonly #connections = new WeakMap<Duplex, Connection>();
  readonly #context: FrontContext;

  constructor(routes: HttpRoutes, context: FrontContext) {
    this.#context = context;
    const { limits, clock } = context;
    // The server's own timeouts are off: the connection's hold, also where the server does not listen itself.
    const timeouts = { headersTimeout: 0, requestTimeout: 0, keepAliveTimeout: 0 };
    this.#server = createServer({ maxHeaderSize: limits.maxHeaderBytes, ...timeouts }, (request, response) => {
      const connection = this.#connections.get(request.socket);
      const closed = connection?.requestOpened();
      const cancelTimeout = clock.schedule(limits.handshakeTimeoutMs, () => connection?.cut('stuck-reader'));
      response.once('close', () => {
        cancelTimeout();
        closed?.();
      });
      const { method = '', url: target = '', headers: asked } = request;
      const { authorization } = asked;
      void answerHttp(routes, { method, target, authorization, body: request }).then(({ status, headers, body }) => {
        response.writeHead(status, { ...headers, connection: 'close' });
        response.end(body);
      });
    });
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => this.#refuse(error, socket));
  }

  /** Takes over a socket. */
  serve(socket: Duplex, connection: Connection): void {
    this.#connections.set(socket, connection);
    this.#server.emit('connection', socket);
  }

  #refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
    const connection = this.#connections.get(socket);
    this.#context.logger.debug({ peer: connection?.address, code: error.code }, 'bad HTTP request');
    if (!socket.writable) {
      socket.destroy();
      return;
    }
    this.#context.metrics.connectionCut('bad-input');
    const status = error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
    socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`, () => socket.destroy());
  }
}
