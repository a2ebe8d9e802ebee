import { decodeMlsMessage, encodeMlsMessage, generateKeyPackageWithKey } from 'ts-mls';
import { makeKeyPackageRef, verifyKeyPackage } from 'ts-mls/keyPackage.js';
import type { KeyPackage } from 'ts-mls/keyPackage.js';
import { verifyLeafNodeSignatureKeyPackage } from 'ts-mls/leafNode.js';
import type { Lifetime } from 'ts-mls/lifetime.js';
import { copyBytes, equalBytes } from '../base/bytes.ts';
import { MlsError } from '../base/errors.ts';
import type { AgentKeys } from './agent-keys.ts';
import { leanCapabilities } from './cipher-suite.ts';
import { basicCredential, identityOf } from './credential.ts';
import { decodeWhole } from './decode.ts';
import { engineParts } from './engine.ts';
import type { EngineParts, MlsEngine } from './engine.ts';
import { encodeKeyPackageSecret } from './key-package-secret.ts';

/** A key package with the private keys that belong to it. */
export interface KeyPackageBundle {
  /** RFC 9420 §5.2. */
  readonly ref: Uint8Array;
  /** The public part, an MLSMessage: what is handed to a member. */
  readonly keyPackage: Uint8Array;
  /** The private part. Secret. */
  readonly secret: Uint8Array;
}

/** What a valid key package says. */
export interface KeyPackageInfo {
  /** RFC 9420 §5.2. */
  readonly ref: Uint8Array;
  /** Identity bytes of the owner's basic credential. */
  readonly identity: Uint8Array;
  /** The owner's signature key. */
  readonly signatureKey: Uint8Array;
}

/** The longest lifetime that is made and accepted, in seconds: 30 days. The library does not limit it. */
const MAX_LIFETIME_SECONDS = 30n * 24n * 3600n;
/** How far back the lifetime starts, in seconds, so that a member whose clock is behind accepts the package. */
const BACKDATE_SECONDS = 3600n;

/**
 * A fresh key package: what another member needs to add this agent to a group, once. Valid from an hour before `nowMs`
 * (Unix milliseconds) for 30 days.
 */
export async function createKeyPackage(engine: MlsEngine, keys: AgentKeys, nowMs: number): Promise<KeyPackageBundle> {
  const parts = engineParts(engine);
  const { publicPackage, privatePackage } = await generateLeaf(parts, keys, nowMs);
  return {
    ref: await makeKeyPackageRef(publicPackage, parts.crypto.hash),
    keyPackage: encodeMlsMessage({ version: 'mls10', wireformat: 'mls_key_package', keyPackage: publicPackage }),
    secret: encodeKeyPackageSecret(privatePackage),
  };
}

/**
 * Until when others may use a key package of ours, in Unix milliseconds.
 *
 * @throws {@link MlsError} `invalid_key_package` if its bytes are none
 */
export function keyPackageExpiry({ keyPackage }: KeyPackageBundle): number {
  return Number(decodeKeyPackageMessage(keyPackage).leafNode.lifetime.notAfter) * 1000;
}

/** A key package in the library's form, also the start of a new group's first leaf. */
export function generateLeaf(
  { crypto, suite, extensionTypes }: EngineParts,
  keys: AgentKeys,
  nowMs: number,
): ReturnType<typeof generateKeyPackageWithKey> {
  const notBefore = toSeconds(nowMs) - BACKDATE_SECONDS;
  return generateKeyPackageWithKey(
    // Copies, because what is made here lives on in groups whose secrets are erased one day.
    basicCredential(copyBytes(keys.identity)),
    leanCapabilities(suite, extensionTypes),
    { notBefore: notBefore < 0n ? 0n : notBefore, notAfter: notBefore + MAX_LIFETIME_SECONDS },
    [],
    { publicKey: copyBytes(keys.signaturePublicKey), signKey: keys.signaturePrivateKey },
    crypto,
  );
}

/**
 * Checks a key package that somebody handed in and says whose it is. Adding it to a group makes the same checks.
 *
 * @throws {@link MlsError} `invalid_key_package`, saying which of these it is: not a key package, of another cipher
 * suite, expired or not valid yet, a lifetime over 30 days, a bad signature, a credential that is not ours.
 */
export async function readKeyPackage(engine: MlsEngine, bytes: Uint8Array, nowMs: number): Promise<KeyPackageInfo> {
  const { info } = await openKeyPackage(engineParts(engine), bytes, nowMs);
  return info;
}

/** {@link readKeyPackage} together with the package itself, which shares no memory with `bytes`. */
export async function openKeyPackage(
  parts: EngineParts,
  bytes: Uint8Array,
  nowMs: number,
): Promise<{ readonly keyPackage: KeyPackage; readonly info: KeyPackageInfo }> {
  const keyPackage = decodeKeyPackageMessage(bytes);
  const { leafNode } = keyPackage;
  if (keyPackage.cipherSuite !== parts.suite) {
    throw refusal(`it is for cipher suite ${keyPackage.cipherSuite}, not ${parts.suite}`);
  }
  const identity = identityOf(leafNode.credential);
  if (identity === undefined) throw refusal('it has no basic credential with an identity of 1 to 1024 bytes');
  const { versions, ciphersuites, credentials } = leafNode.capabilities;
  if (!versions.includes('mls10') || !ciphersuites.includes(parts.suite) || !credentials.includes('basic')) {
    throw refusal('its capabilities do not cover MLS 1.0 with this cipher suite and basic credentials');
  }
  if (equalBytes(keyPackage.initKey, leafNode.hpkePublicKey)) {
    throw refusal('its init key and its encryption key are the same');
  }
  checkLifetime(leafNode.lifetime, nowMs);
  if (!(await isSigned(parts, keyPackage))) throw refusal('its signature is not valid');
  const ref = await makeKeyPackageRef(keyPackage, parts.crypto.hash);
  return { keyPackage, info: { ref, identity, signatureKey: leafNode.signaturePublicKey } };
}

/**
 * A key package as it was encoded, unchecked.
 *
 * @throws {@link MlsError} `invalid_key_package` if the bytes are none.
 */
export function decodeKeyPackageMessage(bytes: Uint8Array): KeyPackage {
  const message = decodeWhole(decodeMlsMessage, copyBytes(bytes), (cause) => refusal('it is not a key package', cause));
  if (message.wireformat !== 'mls_key_package') throw refusal('it is not a key package');
  return message.keyPackage;
}

function checkLifetime({ notBefore, notAfter }: Lifetime, nowMs: number): void {
  const now = toSeconds(nowMs);
  // The order tells most: what is too long is so at any time.
  if (notAfter - notBefore > MAX_LIFETIME_SECONDS) throw refusal('its lifetime is longer than 30 days');
  if (notBefore > now) throw refusal('it is not valid yet; compare the clocks of the two machines');
  if (notAfter < now) throw refusal('it has expired; ask its owner for a fresh one');
}

async function isSigned({ crypto }: EngineParts, keyPackage: KeyPackage): Promise<boolean> {
  try {
    return (
      (await verifyLeafNodeSignatureKeyPackage(keyPackage.leafNode, crypto.signature)) &&
      (await verifyKeyPackage(keyPackage, crypto.signature))
    );
  } catch (cause) {
    // A public key that is no point of the curve, or of the wrong length.
    throw refusal('its signature key is not valid', cause);
  }
}

/** Unix milliseconds as the whole seconds that lifetimes count in. */
export function toSeconds(ms: number): bigint {
  return BigInt(Math.floor(ms / 1000));
}

function refusal(reason: string, cause?: unknown): MlsError {
  return new MlsError('invalid_key_package', `The key package cannot be used: ${reason}.`, { cause });
}
