import { uint8Encoder, decodeUint8 } from 'ts-mls/codec/number.js';
import { mapDecoders } from 'ts-mls/codec/tlsDecoder.js';
import { composeBufferEncoders, encode } from 'ts-mls/codec/tlsEncoder.js';
import {
  decodeVarLenData,
  decodeVarLenType,
  varLenDataEncoder,
  varLenTypeEncoder,
} from 'ts-mls/codec/variableLength.js';
import { copyBytes, equalBytes, toHex } from '../base/bytes.ts';
import { checkBytes } from '../base/check.ts';
import { RuntimeError } from '../base/errors.ts';
import { decodeWhole } from './decode.ts';
import type { Member } from './group.ts';

/** The signature key under which an identity is known. */
export interface IdentityPin {
  readonly identity: Uint8Array;
  readonly signatureKey: Uint8Array;
}

/**
 * Which key each identity was last seen with in a group, also after it has gone: trust on first use. An immutable value
 * that is kept beside the group, by the identity in lower-case hexadecimal; one entry for each identity that was ever a
 * member.
 */
export type IdentityPins = ReadonlyMap<string, IdentityPin>;

/** An identity that was known under one signature key and now is a member with another. */
export interface KeyChange {
  readonly identity: Uint8Array;
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

/** Pins of a group whose members nobody has seen yet. */
export const NO_PINS: IdentityPins = new Map();

/**
 * Pins members: who is new is trusted, who comes with another key than before is reported and pinned anew. Do it after a join
 * and after each commit, and keep the pins together with the group. The same object if there is nothing to change.
 */
export function pinMembers(
  pins: IdentityPins,
  members: readonly Member[],
): { readonly pins: IdentityPins; readonly keyChanged: readonly KeyChange[] } {
  const next = new Map(pins);
  const keyChanged: KeyChange[] = [];
  let isChanged = false;
  for (const { identity, signatureKey } of members) {
    const key = toHex(identity);
    const known = next.get(key)?.signatureKey;
    if (known !== undefined && equalBytes(known, signatureKey)) continue;
    if (known !== undefined) keyChanged.push({ identity, before: known, after: signatureKey });
    // Copies: a member's bytes are views of the whole tree or message that it came in.
    next.set(key, { identity: copyBytes(identity), signatureKey: copyBytes(signatureKey) });
    isChanged = true;
  }
  return { pins: isChanged ? next : pins, keyChanged };
}

const FORMAT = 1;

const pinEncoder = composeBufferEncoders<[Uint8Array, Uint8Array]>([varLenDataEncoder, varLenDataEncoder]);
const encodeList = encode(composeBufferEncoders([uint8Encoder, varLenTypeEncoder(pinEncoder)]));

const decodePin = mapDecoders([decodeVarLenData, decodeVarLenData], (identity, signatureKey) => ({
  identity,
  signatureKey,
}));
const decodeList = mapDecoders([decodeUint8, decodeVarLenType(decodePin)], (format, pins) => ({ format, pins }));

/** Pins as bytes, for {@link decodePins}. Not secret, but not to be changed by others either. */
export function encodePins(pins: IdentityPins): Uint8Array {
  const list = [...pins.values()].map(({ identity, signatureKey }): [Uint8Array, Uint8Array] => [
    identity,
    signatureKey,
  ]);
  return encodeList([FORMAT, list]);
}

/**
 * The inverse of {@link encodePins}. Shares no memory with `bytes`.
 *
 * @throws {@link RuntimeError} `store_damaged` for bytes that are no pins, `data_dir_version` for those of a newer version.
 */
export function decodePins(bytes: Uint8Array): IdentityPins {
  checkBytes('bytes', bytes);
  if (bytes[0] !== undefined && bytes[0] > FORMAT) {
    throw new RuntimeError('data_dir_version', `Pinned keys were stored by a newer version (${bytes[0]}).`);
  }
  const { format, pins } = decodeWhole(decodeList, new Uint8Array(bytes), damaged);
  if (format !== FORMAT) throw damaged(new Error(`The format is ${format}.`));
  const decoded = new Map(pins.map((pin) => [toHex(pin.identity), pin]));
  if (decoded.size !== pins.length) throw damaged(new Error('An identity is pinned twice.'));
  return decoded;
}

function damaged(cause: unknown): RuntimeError {
  return new RuntimeError('store_damaged', 'The pinned keys of a group are damaged.', { cause });
}
