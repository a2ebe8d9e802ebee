import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A TCP connection that sends what it is told to and keeps what comes. */
export class RawSocket {
  readonly socket: Socket;
  /** Resolves when the other side has closed the connection, in whatever way. */
  readonly closed: Promise<void>;
  #isClosed = false;
  #received: Buffer = Buffer.alloc(0);

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.socket.on('error', () => undefined); // `closed` tells
    this.socket.on('data', (chunk: Buffer) => (this.#received = Buffer.concat([this.#received, chunk])));
    this.closed = new Promise((resolve) => this.socket.once('close', () => resolve()));
    void this.closed.then(() => (this.#isClosed = true));
    onTestFinished(() => void this.socket.destroy());
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** What came so far. */
  get received(): Buffer {
    return this.#received;
  }

  /** Resolves when the bytes are with the operating system, or never will be. */
  write(bytes: Uint8Array | string): Promise<void> {
    return new Promise((resolve) => {
      if (!this.socket.writable) resolve();
      else this.socket.write(bytes, () => resolve());
    });
  }
}
