import { describe, expect, test } from 'vitest';
import { defaultCapabilities, defaultLifetime, encodeMlsMessage, generateKeyPackage } from 'ts-mls';
import type { Credential } from 'ts-mls/credential.js';
import { createKeyPackage, createMlsEngine, readKeyPackage } from '../../src/mls/index.ts';
import { nodeSuites } from '../../src/mls/crypto/node-suite.ts';
import { Agent, defined, NOW, utf8 } from './agents.ts';

const nodeSuite = nodeSuites.MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

describe('a key package', () => {
  test('tells whose it is', async () => {
    const alice = await Agent.named('alice');
    const bundle = await alice.keyPackage();
    expect(await readKeyPackage(alice.engine, bundle.keyPackage, NOW)).toEqual({
      ref: bundle.ref,
      identity: utf8('alice'),
      signatureKey: alice.keys.signaturePublicKey,
    });
  });

  test('is a new one each time, under one signature key', async () => {
    const alice = await Agent.named('alice');
    const [first, second] = [await alice.keyPackage(), await alice.keyPackage()];
    expect(first.ref).not.toEqual(second.ref);
    expect(first.secret).not.toEqual(second.secret);
    const read = await Promise.all(
      [first, second].map(({ keyPackage }) => readKeyPackage(alice.engine, keyPackage, NOW)),
    );
    expect(read[0]?.signatureKey).toEqual(read[1]?.signatureKey);
  });

  test('is valid from an hour before it was made, for thirty days', async () => {
    const alice = await Agent.named('alice');
    const { keyPackage } = await alice.keyPackage();
    const readAt = (nowMs: number): Promise<unknown> => readKeyPackage(alice.engine, keyPackage, nowMs);
    await readAt(NOW - HOUR);
    await readAt(NOW + 30 * DAY - HOUR);
    await expect(readAt(NOW - HOUR - 1000)).rejects.toMatchObject({
      code: 'invalid_key_package',
      message: expect.stringContaining('not valid yet') as string,
    });
    await expect(readAt(NOW + 30 * DAY - HOUR + 1000)).rejects.toMatchObject({
      code: 'invalid_key_package',
      message: expect.stringContaining('expired') as string,
    });
  });

  test('can be made at the beginning of time', async () => {
    const alice = await Agent.named('alice');
    const { keyPackage } = await createKeyPackage(alice.engine, alice.keys, 0);
    await readKeyPackage(alice.engine, keyPackage, 0);
  });
});

describe('readKeyPackage refuses', () => {
  const made = async (
    credential: Credential,
    lifetime = { notBefore: 0n, notAfter: 30n * 86_400n },
  ): Promise<Uint8Array> => {
    const { publicPackage } = await generateKeyPackage(credential, defaultCapabilities(), lifetime, [], nodeSuite);
    return encodeMlsMessage({ version: 'mls10', wireformat: 'mls_key_package', keyPackage: publicPackage });
  };
  const basic = (identity: Uint8Array): Credential => ({ credentialType: 'basic', identity });
  const changed = async (change: (bytes: Uint8Array) => Uint8Array): Promise<Uint8Array> => {
    const alice = await Agent.named('alice');
    return change((await createKeyPackage(alice.engine, alice.keys, 0)).keyPackage.slice());
  };

  const cases: [what: string, make: () => Promise<Uint8Array>, reason: string][] = [
    ['garbage', () => Promise.resolve(utf8('not a key package')), 'it is not a key package'],
    ['nothing', () => Promise.resolve(new Uint8Array(0)), 'it is not a key package'],
    ['bytes behind the package', () => changed((bytes) => Uint8Array.of(...bytes, 0)), 'it is not a key package'],
    ['a package cut short', () => changed((bytes) => bytes.subarray(0, -1)), 'it is not a key package'],
    [
      'another cipher suite',
      () =>
        changed((bytes) => {
          // Behind the versions of message and package, and the wire format between them.
          bytes[7] = 2;
          return bytes;
        }),
      'it is for cipher suite MLS_128_DHKEMP256_AES128GCM_SHA256_P256',
    ],
    [
      'a cipher suite that nobody knows',
      () =>
        changed((bytes) => {
          bytes[6] = 0xee;
          return bytes;
        }),
      'it is for cipher suite 60929',
    ],
    [
      'a bad signature',
      () =>
        changed((bytes) => {
          bytes[bytes.length - 1] = defined(bytes.at(-1)) ^ 1;
          return bytes;
        }),
      'its signature is not valid',
    ],
    ['a lifetime without end', () => made(basic(utf8('x')), defaultLifetime), 'its lifetime is longer than 30 days'],
    [
      'a lifetime that ends before it begins',
      () => made(basic(utf8('x')), { notBefore: 9n, notAfter: 1n }),
      'valid yet',
    ],
    ['an X.509 credential', () => made({ credentialType: 'x509', certificates: [utf8('x')] }), 'no basic credential'],
    ['an empty identity', () => made(basic(new Uint8Array(0))), 'no basic credential'],
    ['an identity that is too long', () => made(basic(new Uint8Array(1025))), 'no basic credential'],
  ];
  test.each(cases)('%s', async (_what, make, reason) => {
    const engine = await createMlsEngine();
    await expect(readKeyPackage(engine, await make(), 0)).rejects.toMatchObject({
      code: 'invalid_key_package',
      message: expect.stringContaining(reason) as string,
    });
  });

  test('a signature key of the wrong length, with either provider', async () => {
    const keys = await nodeSuite.signature.keygen();
    const bytes = await changed((whole) => whole);
    const alice = await Agent.named('alice');
    expect(keys.publicKey).toHaveLength(32);
    const at = Buffer.from(bytes).indexOf(Buffer.from((await readKeyPackage(alice.engine, bytes, 0)).signatureKey));
    // One byte less of key, one byte more of credential type: the lengths still add up to no valid leaf.
    bytes[at - 1] = 31;
    for (const cryptoProvider of ['node', 'web'] as const) {
      const engine = await createMlsEngine({ cryptoProvider });
      await expect(readKeyPackage(engine, bytes, 0)).rejects.toMatchObject({ code: 'invalid_key_package' });
    }
  });
});
