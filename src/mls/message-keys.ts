import type { CiphersuiteImpl } from 'ts-mls/crypto/ciphersuite.js';
import { ratchetUntil } from 'ts-mls/secretTree.js';
import type { GenerationSecret, SecretTree } from 'ts-mls/secretTree.js';
import type { KeyRetentionConfig } from 'ts-mls/keyRetentionConfig.js';
import { expandLabel } from './expand-label.ts';
import { TlsWriter } from './tls-writer.ts';

/** What one message, or the data about its sender, is encrypted with. */
export interface MessageKeys {
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
}

/** The keys of one message, and the ratchet without them. */
export interface TakenKeys extends MessageKeys {
  readonly ratchet: GenerationSecret;
}

/** The keys of the next generation (RFC 9420 §9.1). `reuseGuard` goes into the nonce (§6.3.1). */
export async function nextKeys(
  crypto: CiphersuiteImpl,
  ratchet: GenerationSecret,
  reuseGuard: Uint8Array,
): Promise<TakenKeys> {
  const { secret, generation } = ratchet;
  const context = new TlsWriter(4).uint32(generation).finish();
  const next = await expandLabel(crypto.kdf, secret, 'secret', context, crypto.kdf.size);
  return {
    ...(await keysOf(crypto, secret, context, reuseGuard)),
    ratchet: { ...ratchet, secret: next, generation: generation + 1 },
  };
}

/**
 * The keys of any generation that has not been taken, `undefined` if it has: those that are skipped are kept for a while.
 *
 * @throws the library's ValidationError for a generation that is too far ahead
 */
export async function keysOfGeneration(
  crypto: CiphersuiteImpl,
  retention: KeyRetentionConfig,
  ratchet: GenerationSecret,
  generation: number,
  reuseGuard: Uint8Array,
): Promise<TakenKeys | undefined> {
  if (generation === ratchet.generation) return nextKeys(crypto, ratchet, reuseGuard);
  if (generation > ratchet.generation) {
    const [reached] = await ratchetUntil(ratchet, generation, retention, crypto.kdf);
    return nextKeys(crypto, reached, reuseGuard);
  }
  const { [generation]: secret, ...unusedGenerations } = ratchet.unusedGenerations;
  if (secret === undefined) return undefined;
  const context = new TlsWriter(4).uint32(generation).finish();
  return { ...(await keysOf(crypto, secret, context, reuseGuard)), ratchet: { ...ratchet, unusedGenerations } };
}

/** The keys for the data about the sender, which follow from the ciphertext (RFC 9420 §6.3.2). */
export async function senderDataKeys(
  { kdf, hpke }: CiphersuiteImpl,
  senderDataSecret: Uint8Array,
  ciphertext: Uint8Array,
): Promise<MessageKeys> {
  const sample = ciphertext.subarray(0, kdf.size);
  return {
    key: await expandLabel(kdf, senderDataSecret, 'key', sample, hpke.keyLength),
    nonce: await expandLabel(kdf, senderDataSecret, 'nonce', sample, hpke.nonceLength),
  };
}

/** A tree with another ratchet for the application messages of a leaf. */
export function withApplicationRatchet(tree: SecretTree, leaf: number, application: GenerationSecret): SecretTree {
  const node = tree[2 * leaf];
  if (node === undefined) throw new RangeError(`The tree has no leaf ${leaf}.`);
  const copy = tree.slice();
  copy[2 * leaf] = { ...node, application };
  return copy;
}

async function keysOf(
  { kdf, hpke }: CiphersuiteImpl,
  secret: Uint8Array,
  context: Uint8Array,
  reuseGuard: Uint8Array,
): Promise<MessageKeys> {
  const key = await expandLabel(kdf, secret, 'key', context, hpke.keyLength);
  const nonce = await expandLabel(kdf, secret, 'nonce', context, hpke.nonceLength);
  for (let index = 0; index < reuseGuard.length; index++) nonce[index] = (nonce[index] ?? 0) ^ (reuseGuard[index] ?? 0);
  return { key, nonce };
}
