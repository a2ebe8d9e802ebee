import type { Capabilities } from 'ts-mls/capabilities.js';

/** Names of the cipher suites that an engine can be created with (RFC 9420 §17.1). */
export type CipherSuiteName = 'MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519';

/** The suite of an engine that is not told otherwise, and the one that RFC 9420 makes mandatory. */
export const DEFAULT_CIPHER_SUITE: CipherSuiteName = 'MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519';

/**
 * Suites by their number in the IANA registry. To support another suite, add it here and teach `crypto/` to provide it;
 * stored groups name their suite by this number.
 */
const SUITE_NUMBERS: Readonly<Record<CipherSuiteName, number>> = {
  MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519: 1,
};

/** The suite's number in the IANA registry, 0 (which is reserved there) for one that this version does not support. */
export function cipherSuiteNumber(suite: string): number {
  return isCipherSuiteName(suite) ? SUITE_NUMBERS[suite] : 0;
}

/** Whether `name` is a suite that this version supports. */
export function isCipherSuiteName(name: string): name is CipherSuiteName {
  return Object.hasOwn(SUITE_NUMBERS, name);
}

/**
 * What our leaves say that they can do: one suite, basic credentials, nothing that the RFC does not demand anyway.
 * Lean on purpose: every leaf carries it, and decoding a long list costs more than all of the rest of a leaf.
 */
export function leanCapabilities(suite: CipherSuiteName): Capabilities {
  return { versions: ['mls10'], ciphersuites: [suite], extensions: [], proposals: [], credentials: ['basic'] };
}
