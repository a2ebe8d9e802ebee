const MIN_BYTES = 64 * 1024;

/**
 * A buffer with room for `bytes`: the spare one if it is large enough. Buffers go back and forth between the threads,
 * because fresh ones cost more than what is copied into them: time to clear, and garbage collections.
 *
 * @param spare one that has come back, if any; what it held is still in it
 */
export function bufferFor(bytes: number, spare: ArrayBuffer | undefined): ArrayBuffer {
  if (spare !== undefined && spare.byteLength >= bytes) return spare;
  return new ArrayBuffer(Math.max(MIN_BYTES, 2 ** Math.ceil(Math.log2(bytes))));
}
