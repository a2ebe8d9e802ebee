import { randomFillSync } from 'node:crypto';

/** The longest request that is served from the pool: reuse guards of messages, and nothing that is a key. */
const POOLED_BYTES = 8;
const pool = new Uint8Array(1024);
let used = pool.length;

/**
 * Fresh random bytes. The few that every message takes come from a pool, because asking OpenSSL costs as much for four
 * bytes as for a thousand; each byte is handed out once and then cleared.
 */
export function randomBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  if (length > POOLED_BYTES) return randomFillSync(bytes);
  if (used + length > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  bytes.set(pool.subarray(used, used + length));
  pool.fill(0, used, used + length);
  used += length;
  return bytes;
}
