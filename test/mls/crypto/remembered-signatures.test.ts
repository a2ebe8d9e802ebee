import { expect, test } from 'vitest';
import { nodeSuites } from '../../../src/mls/crypto/node-suite.ts';
import { rememberingSignatures } from '../../../src/mls/crypto/remembered-signatures.ts';
import { utf8 } from '../agents.ts';

test('asks once for the same signature, and again for another message, key or signature', async () => {
  const suite = nodeSuites.MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519;
  let asked = 0;
  const { signature } = rememberingSignatures({
    ...suite,
    signature: {
      ...suite.signature,
      verify(publicKey, message, given) {
        asked += 1;
        return suite.signature.verify(publicKey, message, given);
      },
    },
  });
  const [alice, bob] = [await signature.keygen(), await signature.keygen()];
  const signed = await signature.sign(alice.signKey, utf8('signed'));
  expect(await signature.verify(alice.publicKey, utf8('signed'), signed)).toBe(true);
  expect(await signature.verify(alice.publicKey.slice(), utf8('signed'), signed)).toBe(true);
  expect(asked).toBe(1);
  expect(await signature.verify(alice.publicKey, utf8('forged'), signed)).toBe(false);
  expect(await signature.verify(bob.publicKey, utf8('signed'), signed)).toBe(false);
  expect(await signature.verify(alice.publicKey, utf8('signed'), signed.slice())).toBe(true);
  expect(asked).toBe(4);
  // A no is not remembered.
  expect(await signature.verify(alice.publicKey, utf8('forged'), signed)).toBe(false);
  expect(asked).toBe(5);
});
