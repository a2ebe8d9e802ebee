import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { getCiphersuiteFromName } from 'ts-mls';
import { refhash } from 'ts-mls/crypto/hash.js';
import { encryptWithLabel } from 'ts-mls/crypto/hpke.js';
import { defaultCryptoProvider as webProvider } from 'ts-mls/crypto/implementation/default/provider.js';
import { deriveSecret, deriveTreeSecret, expandWithLabel } from 'ts-mls/crypto/kdf.js';
import { signWithLabel } from 'ts-mls/crypto/signature.js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cipherSuiteNumber } from '../../src/mls/cipher-suite.ts';
import type { CipherSuiteName } from '../../src/mls/index.ts';
import { utf8 } from './agents.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const SUITES = [
  'MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519',
  'MLS_128_DHKEMP256_AES128GCM_SHA256_P256',
] as const satisfies readonly CipherSuiteName[];
const TREE_OF_TWO = {
  n_leaves: 2,
  n_nodes: 3,
  root: 1,
  left: [null, 0, null],
  right: [null, 2, null],
  parent: [1, null, 1],
  sibling: [2, null, 0],
};

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'skytale-vectors-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const write = (file: string, content: unknown): Promise<void> =>
  writeFile(join(directory, file), typeof content === 'string' ? content : JSON.stringify(content));

/** Runs the script as `npm run vectors` does. */
function runVectors(): Promise<{ readonly code: number; readonly lines: readonly string[] }> {
  return new Promise((done) => {
    execFile(
      process.execPath,
      ['--import', 'tsx', 'scripts/vectors.ts', directory],
      { cwd: ROOT },
      (error, stdout, stderr) => {
        done({ code: Number(error?.code ?? 0), lines: `${stderr}${stdout}`.trim().split('\n') });
      },
    );
  });
}

/** A vector of the form of crypto-basics.json, computed by the library's own provider. */
async function cryptoBasics(suite: CipherSuiteName): Promise<{ ref_hash: { out: string } }> {
  const { hash, kdf, hpke, signature, rng } = await webProvider.getCiphersuiteImpl(getCiphersuiteFromName(suite));
  const [value, secret, context] = [rng.randomBytes(32), rng.randomBytes(32), rng.randomBytes(20)];
  const { signKey, publicKey } = await signature.keygen();
  const pair = await hpke.generateKeyPair();
  const sealed = await encryptWithLabel(pair.publicKey, 'seal', context, value, hpke);
  const base = { secret: hex(secret), label: 'expand', length: 16 };
  const vector = {
    cipher_suite: cipherSuiteNumber(suite),
    ref_hash: { label: 'ref', value: hex(value), out: hex(await refhash('ref', value, hash)) },
    expand_with_label: {
      ...base,
      context: hex(context),
      out: hex(await expandWithLabel(secret, 'expand', context, 16, kdf)),
    },
    derive_secret: { secret: hex(secret), label: 'derive', out: hex(await deriveSecret(secret, 'derive', kdf)) },
    derive_tree_secret: { ...base, generation: 7, out: hex(await deriveTreeSecret(secret, 'expand', 7, 16, kdf)) },
    sign_with_label: {
      label: 'sign',
      content: hex(value),
      priv: hex(signKey),
      pub: hex(publicKey),
      signature: hex(await signWithLabel(signKey, 'sign', value, signature)),
    },
    encrypt_with_label: {
      label: 'seal',
      context: hex(context),
      plaintext: hex(value),
      priv: hex(await hpke.exportPrivateKey(pair.privateKey)),
      pub: hex(await hpke.exportPublicKey(pair.publicKey)),
      kem_output: hex(sealed.enc),
      ciphertext: hex(sealed.ct),
    },
  };
  return vector;
}

test('right vectors of both suites pass, and what is not run is named', async () => {
  const entries = [await cryptoBasics(SUITES[0]), await cryptoBasics(SUITES[1]), { cipher_suite: 3 }];
  await write('crypto-basics.json', entries);
  await write('tree-math.json', [TREE_OF_TWO]);
  await write('someday.json', []);
  await write('notes.txt', 'none');
  const { code, lines } = await runVectors();
  expect(lines.slice(2)).toEqual([
    'crypto-basics.json: 16 passed, 0 failed (2 of 3 entries run, 1 not run: another cipher suite)',
    'notes.txt: not run: no vector file',
    'someday.json: not run: no runner for this kind of vector',
    'tree-math.json: 18 passed, 0 failed (1 of 1 entries run)',
    '34 passed, 0 failed',
  ]);
  expect(code).toBe(0);
});

test('a doctored vector fails the run, and only the comparison that it is in', async () => {
  const doctored = await cryptoBasics(SUITES[1]);
  doctored.ref_hash.out = hex(utf8('no hash of anything, but as long'));
  await write('crypto-basics.json', [await cryptoBasics(SUITES[0]), doctored]);
  await write('tree-math.json', [{ ...TREE_OF_TWO, left: [null, 2, null] }]);
  await write('deserialization.json', [{ vlbytes_header: '4040', length: 64 }, { vlbytes_header: '4040' }]);
  await write('welcome.json', '{ "no": "list" }');
  const { code, lines } = await runVectors();
  expect(lines.slice(2)).toEqual([
    'crypto-basics.json: 15 passed, 1 failed (2 of 2 entries run)',
    '  entry 1: ref_hash: differs',
    'deserialization.json: 2 passed, 1 failed (2 of 2 entries run)',
    '  entry 1: stopped: entry 1.length is not a number.',
    'tree-math.json: 17 passed, 1 failed (1 of 1 entries run)',
    '  entry 0: left of node 1: differs',
    'welcome.json: 0 passed, 1 failed',
    '  it is not a list in JSON',
    '34 passed, 4 failed',
  ]);
  expect(code).toBe(1);
});

test('a folder without vectors is no success', async () => {
  const { code, lines } = await runVectors();
  expect(lines).toContain('Nothing was run.');
  expect(lines.at(-1)).toBe('0 passed, 0 failed');
  expect(code).toBe(1);
});
