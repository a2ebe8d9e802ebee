import type { CiphersuiteImpl } from 'ts-mls/crypto/ciphersuite.js';
import { computePskSecret } from 'ts-mls/presharedkey.js';
import type { PreSharedKeyID } from 'ts-mls/presharedkey.js';
import type { Report } from './report.ts';
import type { Vector } from './vector.ts';

/** The chain of pre-shared keys (RFC 9420 §8.4). Our groups use none; it exercises HKDF. */
export async function pskSecret(vector: Vector, suite: CiphersuiteImpl, report: Report): Promise<void> {
  const keys = vector
    .children('psks')
    .map((psk): [PreSharedKeyID, Uint8Array] => [
      { psktype: 'external', pskId: psk.bytes('psk_id'), pskNonce: psk.bytes('psk_nonce') },
      psk.bytes('psk'),
    ]);
  report.equal(`psk_secret of ${keys.length}`, await computePskSecret(keys, suite), vector.bytes('psk_secret'));
}
