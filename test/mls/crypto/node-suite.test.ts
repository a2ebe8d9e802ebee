import { beforeAll, describe, expect, test } from 'vitest';
import { getCiphersuiteFromName } from 'ts-mls';
import type { CiphersuiteImpl } from 'ts-mls/crypto/ciphersuite.js';
import { defaultCryptoProvider as webProvider } from 'ts-mls/crypto/implementation/default/provider.js';
import { CIPHER_SUITES, DEFAULT_CIPHER_SUITE } from '../../../src/mls/cipher-suite.ts';
import { createCipherSuite, defaultCryptoProvider } from '../../../src/mls/crypto/index.ts';
import { AesGcm } from '../../../src/mls/crypto/aes-gcm.ts';
import { DhKem } from '../../../src/mls/crypto/dh-kem.ts';
import { Hpke } from '../../../src/mls/crypto/hpke.ts';
import { nodeSuites } from '../../../src/mls/crypto/node-suite.ts';
import { p256 } from '../../../src/mls/crypto/p256.ts';
import { x25519 } from '../../../src/mls/crypto/x25519.ts';
import { NO_BYTES, utf8 } from '../agents.ts';

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const nodeSuite = nodeSuites.MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519;
const nistSuite = nodeSuites.MLS_128_DHKEMP256_AES128GCM_SHA256_P256;

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

  test.each([
    {
      source: '§A.1.1',
      group: x25519,
      ephemeral: '52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736',
      recipient: '3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d',
      enc: '37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431',
      ct: 'f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a',
    },
    {
      source: '§A.3.1',
      group: p256,
      ephemeral: '4995788ef4b9d6132b249ce59a77281493eb39af373d236a1fe415cb0c2d7beb',
      recipient:
        '04fe8c19ce0905191ebc298a9245792531f26f0cece2460639e8bc39cb7f706a82' +
        '6a779b4cf969b8a0e539c7f62fb3d30ad6aa8f80e30f1d128aafd68a2ce72ea0',
      enc:
        '04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325ac9' +
        '8536d7b61a1af4b78e5b7f951c0900be863c403ce65c9bfcb9382657222d18c4',
      ct: '5ad590bb8baa577f8619db35a36311226a896e7342a6d836d8b7bcd2f20b6c7f9076ac232e3ab2523f39513434',
    },
  ])('HPKE base mode, RFC 9180 $source', ({ group, ephemeral, recipient, enc, ct }) => {
    const privateKey = hex(ephemeral);
    const sealed = new Hpke(new DhKem(group), new AesGcm(128)).seal(
      hex(recipient),
      utf8('Beauty is truth, truth beauty'),
      utf8('Ode on a Grecian Urn'),
      utf8('Count-0'),
      { privateKey, publicKey: group.publicKeyOf(privateKey) },
    );
    expect(toHex(sealed.enc)).toBe(enc);
    expect(toHex(sealed.ct)).toBe(ct);
  });

  test('DHKEM(P-256) derives the key pairs of RFC 9180 §A.3.1', () => {
    const pair = new DhKem(p256).deriveKeyPair(hex('4270e54ffd08d79d5928020af4686d8f6b7d35dbe470265f1f5aa22816ce860e'));
    expect(toHex(pair.privateKey)).toBe('4995788ef4b9d6132b249ce59a77281493eb39af373d236a1fe415cb0c2d7beb');
  });

  test('ECDSA on P-256 with SHA-256, RFC 6979 §A.2.5', async () => {
    const publicKey = hex(
      '0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6' +
        '7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299',
    );
    const signature = hex(
      '3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716' +
        '022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8',
    );
    expect(await nistSuite.signature.verify(publicKey, utf8('sample'), signature)).toBe(true);
    expect(await nistSuite.signature.verify(publicKey, utf8('simple'), signature)).toBe(false);
    const signKey = hex('c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721');
    const own = await nistSuite.signature.sign(signKey, utf8('sample'));
    expect(await nistSuite.signature.verify(publicKey, utf8('sample'), own)).toBe(true);
  });
});

describe.each(CIPHER_SUITES)("the library's provider agrees with ours for %s on", (suite) => {
  let node: CiphersuiteImpl;
  let web: CiphersuiteImpl;
  let pairs: readonly (readonly [name: string, one: CiphersuiteImpl, other: CiphersuiteImpl])[];

  beforeAll(async () => {
    node = await createCipherSuite(suite, 'node');
    web = await webProvider.getCiphersuiteImpl(getCiphersuiteFromName(suite));
    pairs = [
      ['ours to theirs', node, web],
      ['theirs to ours', web, node],
    ];
  });

  test('hashes, MACs and key derivation', async () => {
    // A salt of the length of a hash: the library takes no other.
    const [key, data] = [web.rng.randomBytes(node.kdf.size), web.rng.randomBytes(300)];
    expect(await node.hash.digest(data)).toEqual(await web.hash.digest(data));
    expect(await node.hash.mac(key, data)).toEqual(await web.hash.mac(key, data));
    expect(await node.hash.mac(data, key)).toEqual(await web.hash.mac(data, key));
    expect(await node.hash.verifyMac(key, await web.hash.mac(key, data), data)).toBe(true);
    expect(await node.kdf.extract(key, data)).toEqual(await web.kdf.extract(key, data));
    expect(await node.kdf.extract(NO_BYTES, data)).toEqual(await web.kdf.extract(NO_BYTES, data));
    for (const length of [1, 16, 32, 33, 64, 65, 200]) {
      expect(await node.kdf.expand(key, data, length)).toEqual(await web.kdf.expand(key, data, length));
    }
    expect(node.kdf.size).toBe(web.kdf.size);
    expect(node.name).toBe(web.name);
    expect([node.hpke.keyLength, node.hpke.nonceLength]).toEqual([web.hpke.keyLength, web.hpke.nonceLength]);
  });

  test('signatures, with keys of either', async () => {
    for (const [name, signer, verifier] of pairs) {
      const { signKey, publicKey } = await signer.signature.keygen();
      const signature = await signer.signature.sign(signKey, utf8('signed'));
      expect(await verifier.signature.verify(publicKey, utf8('signed'), signature), name).toBe(true);
      expect(await verifier.signature.verify(publicKey, utf8('forged'), signature), name).toBe(false);
      // The other one takes over the private key in the form in which this one made it.
      const takenOver = await verifier.signature.sign(signKey, utf8('signed'));
      expect(await signer.signature.verify(publicKey, utf8('signed'), takenOver), name).toBe(true);
    }
  });

  test('AEAD, HPKE, exports and derived key pairs', async () => {
    for (const [name, sender, recipient] of pairs) {
      const [key, nonce, aad, plaintext] = [node.hpke.keyLength, 12, 20, 100].map((length) =>
        web.rng.randomBytes(length),
      ) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
      for (const used of [aad, undefined]) {
        const sealed = await sender.hpke.encryptAead(key, nonce, used, plaintext);
        expect(await recipient.hpke.decryptAead(key, nonce, used, sealed), name).toEqual(plaintext);
      }
      // X-Wing derives from 32 bytes and nothing else.
      const secret = web.rng.randomBytes(32);
      const pair = await recipient.hpke.deriveKeyPair(secret);
      const publicBytes = await recipient.hpke.exportPublicKey(pair.publicKey);
      const sendersPair = await sender.hpke.deriveKeyPair(secret);
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
  test.each(Object.values(nodeSuites))('keys, tags and MACs that are none, $name', async (suite) => {
    const { hpke, signature, hash } = suite;
    const [key, nonce] = [new Uint8Array(16), new Uint8Array(12)];
    const sealed = await hpke.encryptAead(key, nonce, undefined, utf8('plain'));
    for (const damaged of [sealed.subarray(1), sealed.subarray(0, -1), sealed.subarray(0, 12), NO_BYTES]) {
      await expect(hpke.decryptAead(key, nonce, undefined, damaged)).rejects.toThrow();
    }
    await expect(hpke.encryptAead(new Uint8Array(32), nonce, undefined, NO_BYTES)).rejects.toThrow();
    await expect(hpke.importPublicKey(new Uint8Array(31))).rejects.toThrow('key has');
    await expect(hpke.importPrivateKey(new Uint8Array(33))).rejects.toThrow('32 bytes');
    await expect(hpke.importPrivateKey(NO_BYTES)).rejects.toThrow('32 bytes');
    const { publicKey } = await signature.keygen();
    expect(await signature.verify(publicKey.subarray(2), NO_BYTES, new Uint8Array(64))).toBe(false);
    expect(await signature.verify(publicKey, NO_BYTES, new Uint8Array(3))).toBe(false);
    const mac = await hash.mac(key, nonce);
    expect(await hash.verifyMac(key, mac, nonce)).toBe(true);
    expect(await hash.verifyMac(key, mac.subarray(1), nonce)).toBe(false);
    expect(await hash.verifyMac(key, mac, key)).toBe(false);
    await expect(suite.kdf.expand(key, NO_BYTES, 255 * 32 + 1)).rejects.toThrow('HKDF');
  });

  test('the point of order one, with which every X25519 key agrees on zero', async () => {
    const { hpke, signature } = nodeSuite;
    const { privateKey } = await hpke.generateKeyPair();
    await expect(hpke.open(privateKey, new Uint8Array(32), new Uint8Array(32), NO_BYTES)).rejects.toThrow();
    await expect(signature.sign(new Uint8Array(31), NO_BYTES)).rejects.toThrow('PKCS #8');
  });

  test('what is no point of P-256, and scalars out of range', async () => {
    const { hpke, signature } = nistSuite;
    const { privateKey, publicKey } = await hpke.generateKeyPair();
    const offCurve = (await hpke.exportPublicKey(publicKey)).slice();
    offCurve[64] = (offCurve[64] ?? 0) ^ 1;
    await expect(hpke.open(privateKey, offCurve, new Uint8Array(32), NO_BYTES)).rejects.toThrow();
    await expect(hpke.open(privateKey, new Uint8Array(65), new Uint8Array(32), NO_BYTES)).rejects.toThrow('key has');
    await expect(signature.verify(offCurve, NO_BYTES, new Uint8Array(70))).rejects.toThrow();
    const order = hex('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');
    for (const scalar of [new Uint8Array(32), order, new Uint8Array(32).fill(255)]) {
      await expect(hpke.importPrivateKey(scalar)).rejects.toThrow('order of the curve');
      await expect(signature.sign(scalar, NO_BYTES)).rejects.toThrow('order of the curve');
    }
  });
});

test('P-256 keys are made in the form of RFC 9420 §5.1.1, and compressed ones understood', async () => {
  const { publicKey, signKey } = await nistSuite.signature.keygen();
  expect([publicKey.length, publicKey[0]]).toEqual([65, 4]);
  const compressed = Uint8Array.of((publicKey[64] ?? 0) % 2 === 0 ? 2 : 3, ...publicKey.subarray(1, 33));
  const signature = await nistSuite.signature.sign(signKey, utf8('signed'));
  expect(await nistSuite.signature.verify(compressed, utf8('signed'), signature)).toBe(true);
  compressed[0] = (compressed[0] ?? 0) ^ 1;
  expect(await nistSuite.signature.verify(compressed.slice(), utf8('signed'), signature)).toBe(false);
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
