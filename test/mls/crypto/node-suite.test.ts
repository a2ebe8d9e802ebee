import { beforeAll, describe, expect, test } from 'vitest';
import { getCiphersuiteFromName } from 'ts-mls';
import type { CiphersuiteImpl } from 'ts-mls/crypto/ciphersuite.js';
import { defaultCryptoProvider as webProvider } from 'ts-mls/crypto/implementation/default/provider.js';
import { DEFAULT_CIPHER_SUITE } from '../../../src/mls/cipher-suite.ts';
import { createCipherSuite, defaultCryptoProvider } from '../../../src/mls/crypto/index.ts';
import { toKeyPair, toPrivateKey, toPublicKey } from '../../../src/mls/crypto/dhkem-x25519.ts';
import { seal } from '../../../src/mls/crypto/hpke.ts';
import { nodeSuite } from '../../../src/mls/crypto/node-suite.ts';
import { NO_BYTES, utf8 } from '../agents.ts';

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

let web: CiphersuiteImpl;
let pairs: readonly (readonly [name: string, one: CiphersuiteImpl, other: CiphersuiteImpl])[];

beforeAll(async () => {
  web = await webProvider.getCiphersuiteImpl(getCiphersuiteFromName(nodeSuite.name));
  pairs = [
    ['ours to theirs', nodeSuite, web],
    ['theirs to ours', web, nodeSuite],
  ];
});

describe('known answers', () => {
  test('HMAC-SHA-256, RFC 4231 test cases 2 and 6', async () => {
    expect(toHex(await nodeSuite.hash.mac(utf8('Jefe'), utf8('what do ya want for nothing?')))).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    );
    expect(
      toHex(
        await nodeSuite.hash.mac(
          new Uint8Array(131).fill(0xaa),
          utf8('Test Using Larger Than Block-Size Key - Hash Key First'),
        ),
      ),
    ).toBe('60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54');
  });

  test('HKDF-SHA-256, RFC 5869 test case 1', async () => {
    const key = await nodeSuite.kdf.extract(hex('000102030405060708090a0b0c'), new Uint8Array(22).fill(0x0b));
    expect(toHex(key)).toBe('077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5');
    expect(toHex(await nodeSuite.kdf.expand(key, hex('f0f1f2f3f4f5f6f7f8f9'), 42))).toBe(
      '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    );
  });

  test('Ed25519, RFC 8032 §7.1 test 2', async () => {
    const signKey = hex('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb');
    expect(toHex(await nodeSuite.signature.sign(signKey, hex('72')))).toBe(
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da' +
        '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    );
  });

  test('HPKE base mode for this suite, RFC 9180 §A.1.1', () => {
    const ephemeral = toKeyPair(hex('52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736'));
    const recipient = toPublicKey(hex('3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d'));
    const { enc, ct } = seal(
      recipient,
      utf8('Beauty is truth, truth beauty'),
      utf8('Ode on a Grecian Urn'),
      utf8('Count-0'),
      ephemeral,
    );
    expect(toHex(enc)).toBe('37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431');
    expect(toHex(ct)).toBe(
      'f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a',
    );
  });
});

describe("the library's provider agrees on", () => {
  test('hashes, MACs and key derivation', async () => {
    const [key, data] = [web.rng.randomBytes(32), web.rng.randomBytes(300)];
    expect(await nodeSuite.hash.digest(data)).toEqual(await web.hash.digest(data));
    expect(await nodeSuite.hash.mac(key, data)).toEqual(await web.hash.mac(key, data));
    expect(await nodeSuite.kdf.extract(key, data)).toEqual(await web.kdf.extract(key, data));
    expect(await nodeSuite.kdf.extract(NO_BYTES, data)).toEqual(await web.kdf.extract(NO_BYTES, data));
    for (const length of [1, 16, 32, 33, 100]) {
      expect(await nodeSuite.kdf.expand(key, data, length)).toEqual(await web.kdf.expand(key, data, length));
    }
    expect(nodeSuite.kdf.size).toBe(web.kdf.size);
  });

  test('signatures, with keys of either', async () => {
    for (const [name, signer, verifier] of pairs) {
      const { signKey, publicKey } = await signer.signature.keygen();
      const signature = await signer.signature.sign(signKey, utf8('signed'));
      expect(await verifier.signature.verify(publicKey, utf8('signed'), signature), name).toBe(true);
      expect(await verifier.signature.verify(publicKey, utf8('forged'), signature), name).toBe(false);
      // The other one takes over the private key in the form in which this one made it.
      expect(await verifier.signature.sign(signKey, utf8('signed')), name).toEqual(signature);
    }
  });

  test('AEAD, HPKE, exports and derived key pairs', async () => {
    for (const [name, sender, recipient] of pairs) {
      const [key, nonce, aad, plaintext] = [16, 12, 20, 100].map((length) => web.rng.randomBytes(length)) as [
        Uint8Array,
        Uint8Array,
        Uint8Array,
        Uint8Array,
      ];
      for (const used of [aad, undefined]) {
        const sealed = await sender.hpke.encryptAead(key, nonce, used, plaintext);
        expect(await recipient.hpke.decryptAead(key, nonce, used, sealed), name).toEqual(plaintext);
      }
      const pair = await recipient.hpke.deriveKeyPair(key);
      const publicBytes = await recipient.hpke.exportPublicKey(pair.publicKey);
      const sendersPair = await sender.hpke.deriveKeyPair(key);
      expect(await sender.hpke.exportPublicKey(sendersPair.publicKey), name).toEqual(publicBytes);
      expect(await sender.hpke.exportPrivateKey(sendersPair.privateKey), name).toEqual(
        await recipient.hpke.exportPrivateKey(pair.privateKey),
      );
      const publicKey = await sender.hpke.importPublicKey(publicBytes);
      const { enc, ct } = await sender.hpke.seal(publicKey, plaintext, utf8('info'), aad);
      expect(await recipient.hpke.open(pair.privateKey, enc, ct, utf8('info'), aad), name).toEqual(plaintext);
      await expect(recipient.hpke.open(pair.privateKey, enc, ct, utf8('other'), aad)).rejects.toThrow();
      const exported = await sender.hpke.exportSecret(publicKey, utf8('context'), 32, utf8('info'));
      expect(
        await recipient.hpke.importSecret(pair.privateKey, utf8('context'), exported.enc, 32, utf8('info')),
        name,
      ).toEqual(exported.secret);
    }
  });
});

describe('bad input is refused:', () => {
  test('keys, tags and points that are none', async () => {
    const { hpke, signature, hash } = nodeSuite;
    const [key, nonce] = [new Uint8Array(16), new Uint8Array(12)];
    const sealed = await hpke.encryptAead(key, nonce, undefined, utf8('plain'));
    for (const damaged of [sealed.subarray(1), sealed.subarray(0, -1), sealed.subarray(0, 12), NO_BYTES]) {
      await expect(hpke.decryptAead(key, nonce, undefined, damaged)).rejects.toThrow();
    }
    await expect(hpke.encryptAead(new Uint8Array(32), nonce, undefined, NO_BYTES)).rejects.toThrow();
    await expect(hpke.importPublicKey(new Uint8Array(31))).rejects.toThrow('32 bytes');
    await expect(hpke.importPrivateKey(new Uint8Array(33))).rejects.toThrow('32 bytes');
    expect(() => toPrivateKey(NO_BYTES)).toThrow('32 bytes');
    const { privateKey } = await hpke.generateKeyPair();
    // The point of order one, with which every private key agrees on zero.
    await expect(hpke.open(privateKey, new Uint8Array(32), sealed, NO_BYTES)).rejects.toThrow();
    await expect(signature.sign(new Uint8Array(31), NO_BYTES)).rejects.toThrow('PKCS #8');
    const { publicKey } = await signature.keygen();
    expect(await signature.verify(publicKey.subarray(1), NO_BYTES, new Uint8Array(64))).toBe(false);
    expect(await signature.verify(publicKey, NO_BYTES, new Uint8Array(3))).toBe(false);
    const mac = await hash.mac(key, nonce);
    expect(await hash.verifyMac(key, mac, nonce)).toBe(true);
    expect(await hash.verifyMac(key, mac.subarray(1), nonce)).toBe(false);
    expect(await hash.verifyMac(key, mac, key)).toBe(false);
    await expect(nodeSuite.kdf.expand(key, NO_BYTES, 255 * 32 + 1)).rejects.toThrow('HKDF');
  });
});

test('results own their memory', async () => {
  const results = [
    nodeSuite.rng.randomBytes(4),
    await nodeSuite.hash.digest(NO_BYTES),
    await nodeSuite.hash.mac(NO_BYTES, NO_BYTES),
    await nodeSuite.signature.sign((await nodeSuite.signature.keygen()).signKey, NO_BYTES),
    await nodeSuite.hpke.encryptAead(new Uint8Array(16), new Uint8Array(12), undefined, NO_BYTES),
  ];
  for (const result of results) {
    expect(Buffer.isBuffer(result)).toBe(false);
    expect(result.byteLength).toBe(result.buffer.byteLength);
  }
});

test('node:crypto is the default here', async () => {
  expect(defaultCryptoProvider()).toBe('node');
  expect(await createCipherSuite(DEFAULT_CIPHER_SUITE, 'node')).toBe(nodeSuite);
  expect(await createCipherSuite(DEFAULT_CIPHER_SUITE, 'web')).not.toBe(nodeSuite);
});
