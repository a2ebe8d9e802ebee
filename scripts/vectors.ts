/**
 * Runs the official test vectors of MLS through our crypto provider.
 *
 *     npm run vectors -- DIR
 *
 * DIR holds files of `test-vectors/` in github.com/mlswg/mls-implementations. For each the entries of cipher suite 1 are
 * run; the last line says `N passed, N failed`. Exits with 1 on any failure, and if there was nothing to run.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CiphersuiteImpl } from 'ts-mls/crypto/ciphersuite.js';
import { createCipherSuite, defaultCryptoProvider } from '../src/mls/crypto/index.ts';
import { cipherSuiteNumber, DEFAULT_CIPHER_SUITE } from '../src/mls/cipher-suite.ts';
import { cryptoBasics } from './vectors/crypto-basics.ts';
import { deserialization } from './vectors/deserialization.ts';
import { keySchedule } from './vectors/key-schedule.ts';
import { messageProtection } from './vectors/message-protection.ts';
import { pskSecret } from './vectors/psk-secret.ts';
import { Report } from './vectors/report.ts';
import { secretTree } from './vectors/secret-tree.ts';
import { transcriptHashes } from './vectors/transcript-hashes.ts';
import { treeValidation } from './vectors/tree-validation.ts';
import { Vector } from './vectors/vector.ts';
import { welcome } from './vectors/welcome.ts';

type Runner = (vector: Vector, suite: CiphersuiteImpl, report: Report) => void | Promise<void>;

const RUNNERS: ReadonlyMap<string, Runner> = new Map<string, Runner>([
  ['crypto-basics.json', cryptoBasics],
  ['deserialization.json', (vector, _suite, report): void => deserialization(vector, report)],
  ['key-schedule.json', keySchedule],
  ['message-protection.json', messageProtection],
  ['psk_secret.json', pskSecret],
  ['secret-tree.json', secretTree],
  ['transcript-hashes.json', transcriptHashes],
  ['tree-validation.json', treeValidation],
  ['welcome.json', welcome],
]);

/** Files of which every entry is run: their entries belong to no suite. */
const WITHOUT_SUITE: ReadonlySet<string> = new Set(['deserialization.json']);

const SUITE_NUMBER = cipherSuiteNumber(DEFAULT_CIPHER_SUITE);

interface Totals {
  passed: number;
  failed: number;
}

async function main(directory: string | undefined): Promise<number> {
  if (directory === undefined) {
    console.error('usage: npm run vectors -- DIR');
    return 2;
  }
  const provider = defaultCryptoProvider();
  const suite = await createCipherSuite(DEFAULT_CIPHER_SUITE, provider);
  console.log(`cipher suite ${SUITE_NUMBER} (${DEFAULT_CIPHER_SUITE}), crypto provider: ${provider}`);

  const totals: Totals = { passed: 0, failed: 0 };
  for (const file of (await readdir(directory)).sort()) {
    const runner = RUNNERS.get(file);
    if (runner === undefined) {
      console.log(
        `${file}: not run: ${file.endsWith('.json') ? 'no runner for this kind of vector' : 'no vector file'}`,
      );
      continue;
    }
    await runFile(join(directory, file), file, runner, suite, totals);
  }
  if (totals.passed + totals.failed === 0) console.error('Nothing was run.');
  console.log(`${totals.passed} passed, ${totals.failed} failed`);
  return totals.passed > 0 && totals.failed === 0 ? 0 : 1;
}

async function runFile(
  path: string,
  file: string,
  runner: Runner,
  suite: CiphersuiteImpl,
  totals: Totals,
): Promise<void> {
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
  let run = 0;
  let passed = 0;
  const failures: string[] = [];
  for (const [index, value] of (entries as unknown[]).entries()) {
    const report = new Report(`entry ${index}`);
    try {
      const vector = new Vector(value, `entry ${index}`);
      if (!WITHOUT_SUITE.has(file) && vector.number('cipher_suite') !== SUITE_NUMBER) continue;
      run++;
      await runner(vector, suite, report);
    } catch (error) {
      report.fail('stopped', error instanceof Error ? error.message : String(error));
    }
    passed += report.passed;
    failures.push(...report.failures);
  }
  totals.passed += passed;
  totals.failed += failures.length;
  const skipped = entries.length - run;
  const why = skipped > 0 ? `, ${skipped} not run: another cipher suite` : '';
  console.log(`${file}: ${passed} passed, ${failures.length} failed (${run} of ${entries.length} entries run${why})`);
  for (const failure of failures) console.log(`  ${failure}`);
}

try {
  process.exitCode = await main(process.argv[2]);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
