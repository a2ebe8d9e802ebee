import type { ServerDuplexStream } from '@grpc/grpc-js';
import { MAX_FRAME_BYTES } from '../delivery/chunk.ts';

/** The server's side of one `Connect` call, as bytes. */
export type RelayCall = ServerDuplexStream<Buffer, Buffer>;

/** What a frame that waits costs beside its bytes: without it, a million tiny answers would count as nothing. */
const FRAME_COST_BYTES = 256;

/**
 * Writes frames to one client and counts the bytes that it has not taken yet. The stream's own `write()` counts frames
 * whatever their size, which says nothing about memory.
 */
export class FrameWriter {
  readonly #call: RelayCall;
  readonly #maxUnreadBytes: number;
  readonly #onRoom: () => void;
  #unreadBytes = 0;
  #isEnded = false;

  /** @param onRoom called when there is room again after there was none */
  constructor(call: RelayCall, maxUnreadBytes: number, onRoom: () => void) {
    this.#call = call;
    this.#maxUnreadBytes = maxUnreadBytes;
    this.#onRoom = onRoom;
  }

  /** Whether the client keeps up. What must be answered may be written even if not. */
  get hasRoom(): boolean {
    return !this.#isEnded && this.#unreadBytes < this.#maxUnreadBytes;
  }

  /** Whether more waits than entries can explain: the client does not read the answers that it asks for. */
  get isFlooded(): boolean {
    return this.#unreadBytes >= 4 * Math.max(this.#maxUnreadBytes, MAX_FRAME_BYTES);
  }

  /** What is handed in and not yet taken by the connection costs so many bytes. */
  get unreadBytes(): number {
    return this.#unreadBytes;
  }

  /**
   * Queues a frame. Does nothing after the end.
   *
   * @param onWritten called when the frame's bytes are not needed any more
   */
  write(frame: Buffer, onWritten?: () => void): void {
    if (this.#isEnded) return;
    const cost = frame.length + FRAME_COST_BYTES;
    this.#unreadBytes += cost;
    this.#call.write(frame, () => {
      onWritten?.();
      const before = this.#unreadBytes;
      this.#unreadBytes -= cost;
      if (before >= this.#maxUnreadBytes && this.hasRoom) this.#onRoom();
    });
  }

  /** Ends the call behind the frames that were written. Idempotent. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#call.end();
  }

  /** Ends the call behind the frames that were written, with a gRPC status that tells the client to come back. Idempotent. */
  endWith(status: { readonly code: number; readonly details: string }): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#call.emit('error', status);
  }

  /** The connection is gone. */
  abandon(): void {
    this.#isEnded = true;
  }
}
