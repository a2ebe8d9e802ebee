import { mapDecoders } from 'ts-mls/codec/tlsDecoder.js';
import { composeBufferEncoders, encode } from 'ts-mls/codec/tlsEncoder.js';
import { decodeUint8, uint8Encoder } from 'ts-mls/codec/number.js';
import { decodeVarLenData, varLenDataEncoder } from 'ts-mls/codec/variableLength.js';
import type { PrivateKeyPackage } from 'ts-mls/keyPackage.js';
import { copyBytes } from '../base/bytes.ts';
import { RuntimeError } from '../base/errors.ts';
import { decodeWhole } from './decode.ts';

/** The private keys of a key package that belong to it alone; the signature key is the agent's. */
export type KeyPackageSecret = Pick<PrivateKeyPackage, 'initPrivateKey' | 'hpkePrivateKey'>;

const FORMAT = 1;

const encodeSecret = encode(composeBufferEncoders([uint8Encoder, varLenDataEncoder, varLenDataEncoder]));
const decodeSecret = mapDecoders(
  [decodeUint8, decodeVarLenData, decodeVarLenData],
  (format, initPrivateKey, hpkePrivateKey) => ({ format, initPrivateKey, hpkePrivateKey }),
);

/** The private keys as bytes, led by a format version. */
export function encodeKeyPackageSecret({ initPrivateKey, hpkePrivateKey }: KeyPackageSecret): Uint8Array {
  return encodeSecret([FORMAT, initPrivateKey, hpkePrivateKey]);
}

/**
 * The inverse of {@link encodeKeyPackageSecret}. Shares no memory with `bytes`.
 *
 * @throws {@link RuntimeError} `store_damaged`, `data_dir_version` for a format that a newer version wrote.
 */
export function decodeKeyPackageSecret(bytes: Uint8Array): KeyPackageSecret {
  if (bytes[0] !== undefined && bytes[0] > FORMAT) {
    throw new RuntimeError('data_dir_version', 'A key package was stored by a newer version of this package.');
  }
  const damaged = (cause: unknown): RuntimeError =>
    new RuntimeError('store_damaged', 'The private part of a key package is damaged.', { cause });
  const { format, ...secret } = decodeWhole(decodeSecret, copyBytes(bytes), damaged);
  if (format !== FORMAT) throw damaged(new Error(`The format is ${format}.`));
  return secret;
}
