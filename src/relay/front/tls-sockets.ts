import type { Socket } from 'node:net';
import { createServer } from 'node:tls';
import type { Server, TLSSocket } from 'node:tls';
import type { Connection, FrontContext } from './connection.ts';
import type { TlsMaterial } from './tls-files.ts';

/** Speaks TLS on sockets that somebody else accepted. */
export class TlsSockets {
  readonly #server: Server;
  readonly #pending = new Map<string, Connection>();

  /** @param onSecure called with the decrypted side; its `alpnProtocol` says what is spoken inside */
  constructor(
    material: TlsMaterial,
    { metrics, logger }: FrontContext,
    onSecure: (socket: TLSSocket, connection: Connection) => void,
  ) {
    const isMutual = material.ca !== undefined;
    this.#server = createServer({
      ...material,
      requestCert: isMutual,
      rejectUnauthorized: isMutual,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['h2', 'http/1.1'],
    });
    this.#server.on('secureConnection', (socket) => {
      socket.on('error', (error: Error) => logger.debug({ err: error }, 'TLS connection failed'));
      const connection = this.#pending.get(pairOf(socket));
      if (connection === undefined) socket.destroy();
      else onSecure(socket, connection);
    });
    this.#server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
      const connection = this.#pending.get(pairOf(socket));
      logger.debug({ peer: connection?.address, code: error.code, err: error }, 'TLS handshake failed');
      // A refused certificate looks like a peer that has hung up, but for this field.
      const isRefused = Boolean(socket.authorizationError as Error | string | undefined);
      if (isRefused || error.code !== 'ECONNRESET') metrics.connectionCut('bad-input');
    });
  }

  /** Takes over a socket. */
  serve(socket: Socket, connection: Connection): void {
    const pair = pairOf(socket);
    this.#pending.set(pair, connection);
    void connection.closed.then(() => this.#pending.delete(pair));
    this.#server.emit('connection', socket);
  }

  /** Uses another certificate for the connections that come from now on. */
  renew(material: TlsMaterial): void {
    this.#server.setSecureContext({ ...material, minVersion: 'TLSv1.2' });
  }
}

/** What no other open connection has: the decrypted side of a socket is another object that shows the same addresses. */
function pairOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return [remoteAddress, remotePort, localAddress, localPort].join(' ');
}
