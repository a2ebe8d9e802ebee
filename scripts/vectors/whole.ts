import type { Decoder } from 'ts-mls/codec/tlsDecoder.js';
import { decodeWhole } from '../../src/mls/decode.ts';

/** What a decoder reads from all the bytes of a field, or an error that names the field. */
export function whole<T>(decoder: Decoder<T>, bytes: Uint8Array, field: string): T {
  return decodeWhole(decoder, bytes, (cause) => new Error(`${field} does not decode.`, { cause }));
}
