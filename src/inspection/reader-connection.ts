import type { Socket } from 'node:net';
import { Fifo } from '../streams/index.ts';
import type { InspectionFrame } from './frame.ts';

/** Frames, and their bytes, that wait for a reader that is slow. */
const MAX_WAITING = 256;
const MAX_WAITING_BYTES = 1024 * 1024;

/**
 * One reader at the other end of a socket. What it does not take in time waits, up to a bound; beyond that all that waits is
 * dropped, and it gets a snapshot when it can take something again.
 */
export class ReaderConnection {
  readonly #socket: Socket;
  readonly #snapshot: () => InspectionFrame;
  readonly #waiting = new Fifo<string>();
  #waitingBytes = 0;
  #dropped = 0;
  #isBlocked = false;

  /** @param snapshot all nodes as they are now */
  constructor(socket: Socket, snapshot: () => InspectionFrame) {
    this.#socket = socket;
    this.#snapshot = snapshot;
    socket.on('drain', () => this.#flush());
  }

  send(frame: InspectionFrame): void {
    if (!this.#isBlocked) {
      this.#write(lineOf(frame));
      return;
    }
    // It is told all anew: what happens until then is dropped as well.
    if (this.#dropped > 0) {
      this.#dropped += 1;
      return;
    }
    const line = lineOf(frame);
    this.#waiting.push(line);
    this.#waitingBytes += line.length;
    if (this.#waiting.length <= MAX_WAITING && this.#waitingBytes <= MAX_WAITING_BYTES) return;
    this.#dropped = this.#waiting.clear().length;
    this.#waitingBytes = 0;
  }

  #flush(): void {
    if (this.#dropped > 0) {
      // Made first: what the others hear because of it is in it.
      const snapshot = lineOf(this.#snapshot());
      const frames = this.#dropped;
      this.#dropped = 0;
      this.#write(lineOf({ frame: 'dropped', frames }));
      this.#write(snapshot);
      return;
    }
    this.#isBlocked = false;
    for (let line = this.#waiting.shift(); line !== undefined; line = this.#waiting.shift()) {
      this.#waitingBytes -= line.length;
      if (!this.#write(line)) return;
    }
  }

  /** Returns whether the reader takes more right now. */
  #write(line: string): boolean {
    if (this.#socket.writable) this.#isBlocked = !this.#socket.write(line);
    return !this.#isBlocked;
  }
}

function lineOf(frame: InspectionFrame): string {
  return `${JSON.stringify(frame)}\n`;
}
