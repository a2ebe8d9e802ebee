import { KEY_BYTES, NONCE_BYTES, open as openAead, seal as sealAead } from './aes-gcm.ts';
import { ascii, concat, uint16 } from './bytes.ts';
import { decapsulate, encapsulate, KEM_ID } from './dhkem-x25519.ts';
import type { KemKey, KemKeyPair } from './dhkem-x25519.ts';
import { HASH_BYTES } from './hkdf-sha256.ts';
import { LabeledKdf } from './labeled-kdf.ts';

/* HPKE (RFC 9180) in base mode, for DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and AES-128-GCM, one message a context. */

const KDF_ID = 0x0001;
const AEAD_ID = 0x0001;
const BASE_MODE = Uint8Array.of(0);
const EMPTY = new Uint8Array(0);

const kdf = new LabeledKdf(concat(ascii('HPKE'), uint16(KEM_ID), uint16(KDF_ID), uint16(AEAD_ID)));
/** There is no pre-shared key in base mode, so its part of the context is always the same. */
const PSK_ID_HASH = kdf.extract(EMPTY, 'psk_id_hash', EMPTY);

/** What both sides derive from the shared secret. */
interface KeySchedule {
  readonly secret: Uint8Array;
  readonly context: Uint8Array;
}

/** Encrypts one message to the owner of a public key. `ephemeral` is for test vectors only. */
export function seal(
  recipient: KemKey,
  plaintext: Uint8Array,
  info: Uint8Array,
  aad: Uint8Array,
  ephemeral?: KemKeyPair,
): { readonly enc: Uint8Array; readonly ct: Uint8Array } {
  const { sharedSecret, enc } = encapsulate(recipient, ephemeral);
  const { key, nonce } = messageKeys(schedule(sharedSecret, info));
  return { enc, ct: sealAead(key, nonce, aad, plaintext) };
}

/**
 * The inverse of {@link seal}.
 *
 * @throws Error if it was not sealed to this key with this information.
 */
export function open(
  recipient: KemKey,
  enc: Uint8Array,
  ciphertext: Uint8Array,
  info: Uint8Array,
  aad: Uint8Array,
): Uint8Array {
  const { key, nonce } = messageKeys(schedule(decapsulate(recipient, enc), info));
  return openAead(key, nonce, aad, ciphertext);
}

/** A fresh secret for the owner of a public key, and what lets him find it. */
export function sendExport(
  recipient: KemKey,
  exporterContext: Uint8Array,
  length: number,
  info: Uint8Array,
): { readonly enc: Uint8Array; readonly secret: Uint8Array } {
  const { sharedSecret, enc } = encapsulate(recipient);
  return { enc, secret: exportFrom(schedule(sharedSecret, info), exporterContext, length) };
}

/** The secret of {@link sendExport}, at the other side. */
export function receiveExport(
  recipient: KemKey,
  exporterContext: Uint8Array,
  enc: Uint8Array,
  length: number,
  info: Uint8Array,
): Uint8Array {
  return exportFrom(schedule(decapsulate(recipient, enc), info), exporterContext, length);
}

function schedule(sharedSecret: Uint8Array, info: Uint8Array): KeySchedule {
  return {
    secret: kdf.extract(sharedSecret, 'secret', EMPTY),
    context: concat(BASE_MODE, PSK_ID_HASH, kdf.extract(EMPTY, 'info_hash', info)),
  };
}

function messageKeys({ secret, context }: KeySchedule): { readonly key: Uint8Array; readonly nonce: Uint8Array } {
  return {
    key: kdf.expand(secret, 'key', context, KEY_BYTES),
    // The sequence number is always 0, so the base nonce is the nonce.
    nonce: kdf.expand(secret, 'base_nonce', context, NONCE_BYTES),
  };
}

function exportFrom({ secret, context }: KeySchedule, exporterContext: Uint8Array, length: number): Uint8Array {
  return kdf.expand(kdf.expand(secret, 'exp', context, HASH_BYTES), 'sec', exporterContext, length);
}
