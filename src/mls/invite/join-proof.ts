import { createHash } from 'node:crypto';
import type { Signature } from 'ts-mls/crypto/signature.js';
import { signWithLabel, verifyWithLabel } from 'ts-mls/crypto/signature.js';
import type { ChannelName } from '../../base/channel-name.ts';
import { copyBytes } from '../../base/bytes.ts';
import { MlsError } from '../../base/errors.ts';
import { ed25519 } from '../crypto/ed25519.ts';
import { settled } from '../crypto/settled.ts';
import { TlsReader } from '../tls-reader.ts';
import { TlsWriter, vectorBytes } from '../tls-writer.ts';

/** What a joiner proves: that whoever holds the token wants this key package to be added, for this identity. */
export interface JoinClaim {
  readonly channel: ChannelName;
  /** 16 bytes. */
  readonly inviteId: Uint8Array;
  readonly identity: Uint8Array;
  readonly keyPackage: Uint8Array;
}

/** A proof as it was sent, unchecked. */
export interface JoinProof {
  /** When it was made, by the joiner's clock, in Unix milliseconds. */
  readonly madeAtMs: number;
  readonly signature: Uint8Array;
}

const LABEL = 'SkytaleJoin';
const VERSION = 1;
const ID_BYTES = 16;
const HASH_BYTES = 32;

/** The invite's own key is Ed25519, whatever suite the group has. */
const signature: Signature = {
  sign: settled((privateKey: Uint8Array, message: Uint8Array) => ed25519.sign(privateKey, message)),
  verify: settled((publicKey: Uint8Array, message: Uint8Array, signed: Uint8Array) => {
    return ed25519.verify(publicKey, message, signed);
  }),
  keygen: settled(() => ed25519.generate()),
};

/** Signs a claim with the invite's key: what goes with a request to join. */
export async function proveJoin(privateKey: Uint8Array, claim: JoinClaim, nowMs: number): Promise<Uint8Array> {
  const signed = await signWithLabel(privateKey, LABEL, contentOf(claim, nowMs), signature);
  return new TlsWriter(1 + 8 + vectorBytes(signed.length))
    .uint8(VERSION)
    .uint64(BigInt(Math.floor(nowMs)))
    .vector(signed)
    .finish();
}

/**
 * Reads a proof, unchecked.
 *
 * @throws {@link MlsError} `mls_error` if the bytes are none
 */
export function readJoinProof(bytes: Uint8Array): JoinProof {
  const reader = new TlsReader(copyBytes(bytes));
  const version = reader.uint8();
  const madeAtMs = Number(reader.uint64());
  const signed = reader.vector();
  if (reader.isAtEnd && version === VERSION && Number.isSafeInteger(madeAtMs)) return { madeAtMs, signature: signed };
  throw new MlsError('mls_error', 'The proof of a request to join cannot be read.');
}

/** Whether the proof was made for this claim, with the key whose public half this is. */
export async function provesJoin(publicKey: Uint8Array, claim: JoinClaim, proof: JoinProof): Promise<boolean> {
  try {
    return await verifyWithLabel(publicKey, LABEL, contentOf(claim, proof.madeAtMs), proof.signature, signature);
  } catch {
    return false; // a key that is no point of the curve
  }
}

function contentOf({ channel, inviteId, identity, keyPackage }: JoinClaim, madeAtMs: number): Uint8Array {
  const name = new TextEncoder().encode(channel);
  return new TlsWriter(1 + vectorBytes(name.length) + ID_BYTES + vectorBytes(identity.length) + HASH_BYTES + 8)
    .uint8(VERSION)
    .vector(name)
    .raw(inviteId)
    .vector(identity)
    .raw(new Uint8Array(createHash('sha256').update(keyPackage).digest()))
    .uint64(BigInt(Math.floor(madeAtMs)))
    .finish();
}
