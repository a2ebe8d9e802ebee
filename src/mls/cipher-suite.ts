import type { Capabilities } from 'ts-mls/capabilities.js';

/** Names of the cipher suites that an engine can be created with. */
export type CipherSuiteName =
  | 'MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519'
  | 'MLS_128_DHKEMP256_AES128GCM_SHA256_P256'
  | 'MLS_256_XWING_AES256GCM_SHA512_Ed25519';

/**
 * Cipher suites by their number: in the IANA registry (RFC 9420 §17.1) as far as it knows them. It has none for X-Wing
 * yet; 83 is the number that the library uses, so that suite is understood by its users and not by other software.
 *
 * To support another suite, add it here and teach `crypto/` to provide it; stored groups name their suite by this number.
 */
const SUITE_NUMBERS: Readonly<Record<CipherSuiteName, number>> = {
  MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519: 1,
  MLS_128_DHKEMP256_AES128GCM_SHA256_P256: 2,
  MLS_256_XWING_AES256GCM_SHA512_Ed25519: 83,
};

/** All suites that an engine can be created with. */
export const CIPHER_SUITES: readonly CipherSuiteName[] = Object.keys(SUITE_NUMBERS) as CipherSuiteName[];

/** The suite of an engine that is not told otherwise, and the one that RFC 9420 makes mandatory. */
export const DEFAULT_CIPHER_SUITE: CipherSuiteName = 'MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519';

/** The suite's number, 0 (which the registry reserves) for one that this version does not support. */
export function cipherSuiteNumber(suite: string): number {
  return isCipherSuiteName(suite) ? SUITE_NUMBERS[suite] : 0;
}

/** Whether `name` is a suite that this version supports. */
export function isCipherSuiteName(name: string): name is CipherSuiteName {
  return Object.hasOwn(SUITE_NUMBERS, name);
}

/**
 * What our leaves say that they can do: one suite, basic credentials, the extensions of the application; nothing that the
 * RFC does not demand anyway. Lean on purpose: every leaf carries it, and decoding a long list costs more than all of the
 * rest of a leaf.
 */
export function leanCapabilities(suite: CipherSuiteName, extensionTypes: readonly number[]): Capabilities {
  const extensions = [...extensionTypes];
  return { versions: ['mls10'], ciphersuites: [suite], extensions, proposals: [], credentials: ['basic'] };
}
