/** Bytes of every payload. */
export const PAYLOAD_BYTES = 1024;

/** What a payload tells about itself. */
export interface Stamp {
  /** Counts the messages of a sender, from 0. */
  readonly index: number;
  /** When it was handed to `send`, by {@link nowMs}. */
  readonly sentAtMs: number;
}

/** Milliseconds by a clock that all processes of this machine have in common, and that only moves forwards. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** A payload of {@link PAYLOAD_BYTES} that carries its stamp in front. */
export function stampedPayload({ index, sentAtMs }: Stamp): Uint8Array {
  const payload = new Uint8Array(PAYLOAD_BYTES).fill(index & 0xff);
  const view = new DataView(payload.buffer);
  view.setFloat64(0, index);
  view.setFloat64(8, sentAtMs);
  return payload;
}

/** The inverse of {@link stampedPayload}. */
export function readStamp(payload: Uint8Array): Stamp {
  if (payload.length !== PAYLOAD_BYTES) throw new Error(`Expected ${PAYLOAD_BYTES} bytes, got ${payload.length}.`);
  const view = new DataView(payload.buffer, payload.byteOffset);
  return { index: view.getFloat64(0), sentAtMs: view.getFloat64(8) };
}
