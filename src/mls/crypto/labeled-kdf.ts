import { ascii, concat, uint16 } from './bytes.ts';
import type { Hkdf } from './hkdf.ts';

const VERSION = ascii('HPKE-v1');

/** HKDF as HPKE uses it: every call names its suite and its purpose (RFC 9180 §4). */
export class LabeledKdf {
  readonly #hkdf: Hkdf;
  readonly #prefix: Uint8Array;

  constructor(hkdf: Hkdf, suiteId: Uint8Array) {
    this.#hkdf = hkdf;
    this.#prefix = concat(VERSION, suiteId);
  }

  extract(salt: Uint8Array, label: string, keyMaterial: Uint8Array): Uint8Array {
    return this.#hkdf.extract(salt, concat(this.#prefix, ascii(label), keyMaterial));
  }

  expand(key: Uint8Array, label: string, info: Uint8Array, length: number): Uint8Array {
    return this.#hkdf.expand(key, concat(uint16(length), this.#prefix, ascii(label), info), length);
  }
}
