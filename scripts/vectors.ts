/**
 * Runs the official test vectors of MLS through our crypto provider.
 *
 *     npm run vectors -- DIR
 *
 * DIR holds files of `test-vectors/` in github.com/mlswg/mls-implementations. Of each the entries of cipher suites 1 and 2
 * are run, and those that belong to no suite; the last line says `N passed, N failed`. Exits with 1 on any failure, and
 * if there was nothing to run.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CiphersuiteImpl } from 'ts-mls/crypto/ciphersuite.js';
import { createCipherSuite, defaultCryptoProvider } from '../src/mls/crypto/index.ts';
import { cipherSuiteNumber } from '../src/mls/cipher-suite.ts';
import { cryptoBasics } from './vectors/crypto-basics.ts';
import { deserialization } from './vectors/deserialization.ts';
import { keySchedule } from './vectors/key-schedule.ts';
import { messageProtection } from './vectors/message-protection.ts';
import { messages } from './vectors/messages.ts';
import { passiveClient } from './vectors/passive-client.ts';
import { pskSecret } from './vectors/psk-secret.ts';
import { Report } from './vectors/report.ts';
import { secretTree } from './vectors/secret-tree.ts';
import { transcriptHashes } from './vectors/transcript-hashes.ts';
import { treeMath } from './vectors/tree-math.ts';
import { treeOperations } from './vectors/tree-operations.ts';
import { treeValidation } from './vectors/tree-validation.ts';
import { treekem } from './vectors/treekem.ts';
import { Vector } from './vectors/vector.ts';
import { welcome } from './vectors/welcome.ts';

type Runner = (vector: Vector, suite: CiphersuiteImpl, report: Report) => void | Promise<void>;

/** Files whose entries name a cipher suite. */
const RUNNERS: ReadonlyMap<string, Runner> = new Map<string, Runner>([
  ['crypto-basics.json', cryptoBasics],
  ['key-schedule.json', keySchedule],
  ['message-protection.json', messageProtection],
  ['passive-client-handling-commit.json', passiveClient],
  ['passive-client-random.json', passiveClient],
  ['passive-client-welcome.json', passiveClient],
  ['psk_secret.json', pskSecret],
  ['secret-tree.json', secretTree],
  ['transcript-hashes.json', transcriptHashes],
  ['tree-operations.json', treeOperations],
  ['tree-validation.json', treeValidation],
  ['treekem.json', treekem],
  ['welcome.json', welcome],
]);

/** Files whose entries belong to no cipher suite. */
const RUNNERS_WITHOUT_SUITE: ReadonlyMap<string, (vector: Vector, report: Report) => void> = new Map([
  ['deserialization.json', deserialization],
  ['messages.json', messages],
  ['tree-math.json', treeMath],
]);

/** The suites of the vectors that node:crypto serves. */
const SUITES = ['MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519', 'MLS_128_DHKEMP256_AES128GCM_SHA256_P256'] as const;

interface Totals {
  passed: number;
  failed: number;
}

/** Checks one entry, or tells that it is not for us. */
type CheckEntry = (vector: Vector, report: Report) => Promise<'run' | 'skipped'>;

async function main(directory: string | undefined): Promise<number> {
  if (directory === undefined) {
    console.error('usage: npm run vectors -- DIR');
    return 2;
  }
  const provider = defaultCryptoProvider();
  const suites = new Map<number, CiphersuiteImpl>();
  for (const name of SUITES) {
    suites.set(cipherSuiteNumber(name), await createCipherSuite(name, provider));
    console.log(`cipher suite ${cipherSuiteNumber(name)} (${name}), crypto provider: ${provider}`);
  }

  const totals: Totals = { passed: 0, failed: 0 };
  for (const file of (await readdir(directory)).sort()) {
    const check = checkOf(file, suites);
    if (check === undefined) {
      const reason = file.endsWith('.json') ? 'no runner for this kind of vector' : 'no vector file';
      console.log(`${file}: not run: ${reason}`);
    } else {
      await runFile(join(directory, file), file, check, totals);
    }
  }
  if (totals.passed + totals.failed === 0) console.error('Nothing was run.');
  console.log(`${totals.passed} passed, ${totals.failed} failed`);
  return totals.passed > 0 && totals.failed === 0 ? 0 : 1;
}

function checkOf(file: string, suites: ReadonlyMap<number, CiphersuiteImpl>): CheckEntry | undefined {
  const withoutSuite = RUNNERS_WITHOUT_SUITE.get(file);
  if (withoutSuite !== undefined) {
    return (vector, report) => {
      withoutSuite(vector, report);
      return Promise.resolve('run');
    };
  }
  const withSuite = RUNNERS.get(file);
  if (withSuite === undefined) return undefined;
  return async (vector, report) => {
    const suite = suites.get(vector.number('cipher_suite'));
    if (suite === undefined) return 'skipped';
    await withSuite(vector, suite, report);
    return 'run';
  };
}

async function runFile(path: string, file: string, check: CheckEntry, totals: Totals): Promise<void> {
  let entries: unknown;
  try {
    entries = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    entries = error;
  }
  if (!Array.isArray(entries)) {
    totals.failed++;
    console.log(`${file}: 0 passed, 1 failed`);
    console.log(`  it is not a list in JSON${entries instanceof Error ? `: ${entries.message}` : ''}`);
    return;
  }
  let skipped = 0;
  let passed = 0;
  const failures: string[] = [];
  const notes = new Map<string, number>();
  for (const [index, value] of (entries as unknown[]).entries()) {
    const report = new Report(`entry ${index}`);
    try {
      if ((await check(new Vector(value, `entry ${index}`), report)) === 'skipped') skipped++;
    } catch (error) {
      report.fail('stopped', error instanceof Error ? error.message : String(error));
    }
    passed += report.passed;
    failures.push(...report.failures);
    for (const note of report.notes) notes.set(note, (notes.get(note) ?? 0) + 1);
  }
  totals.passed += passed;
  totals.failed += failures.length;
  const why = skipped > 0 ? `, ${skipped} not run: another cipher suite` : '';
  const run = `${entries.length - skipped} of ${entries.length} entries run${why}`;
  console.log(`${file}: ${passed} passed, ${failures.length} failed (${run})`);
  for (const failure of failures) console.log(`  ${failure}`);
  for (const [note, times] of notes) console.log(`  not run, ${times} times: ${note}`);
}

try {
  process.exitCode = await main(process.argv[2]);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
