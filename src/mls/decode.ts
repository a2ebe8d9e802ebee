import type { Decoder } from 'ts-mls/codec/tlsDecoder.js';

/**
 * What `decoder` reads from `bytes`, all of them. The result may alias `bytes`.
 *
 * For bytes that do not fit, the library's decoders answer `undefined`, throw its CodecError, or stumble into a
 * TypeError or RangeError; what is left over they ignore. All of that is one thing here: `refuse` makes the error to throw.
 */
export function decodeWhole<T>(decoder: Decoder<T>, bytes: Uint8Array, refuse: (cause: unknown) => Error): T {
  let decoded: [T, number] | undefined;
  try {
    decoded = decoder(bytes, 0);
  } catch (cause) {
    throw refuse(cause);
  }
  if (decoded === undefined) throw refuse(new Error('The bytes end early or hold an unknown value.'));
  const [value, length] = decoded;
  if (length !== bytes.length) throw refuse(new Error(`${bytes.length - length} bytes are left over.`));
  return value;
}
