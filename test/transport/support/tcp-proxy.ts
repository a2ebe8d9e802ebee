import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** A TCP proxy on 127.0.0.1 that can swallow what goes through it, as a half-open connection does. */
export class TcpProxy implements AsyncDisposable {
  readonly #sockets = new Set<Socket>();
  #isSwallowing = false;
  #accepted = 0;
  #close: () => Promise<void> = () => Promise.resolve();
  port = 0;

  static async to(targetPort: number): Promise<TcpProxy> {
    const proxy = new TcpProxy();
    const server = createServer((inner) => {
      proxy.#accepted += 1;
      const outer = connect(targetPort, '127.0.0.1');
      proxy.#pipe(inner, outer);
      proxy.#pipe(outer, inner);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    proxy.port = (server.address() as AddressInfo).port;
    proxy.#close = async () => {
      server.close();
      for (const socket of proxy.#sockets) socket.destroy();
      await once(server, 'close');
    };
    return proxy;
  }

  /** Connections that clients have made. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Sockets that are open now, two for each connection. */
  get open(): number {
    return this.#sockets.size;
  }

  /** From now on nothing arrives, in either direction, and nobody is told. */
  swallow(isSwallowing: boolean): void {
    this.#isSwallowing = isSwallowing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close();
  }

  #pipe(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.on('data', (bytes) => {
      if (!this.#isSwallowing) to.write(bytes);
    });
    from.on('error', () => undefined); // `close` follows
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }
}
