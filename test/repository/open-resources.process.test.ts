import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROOT } from '../../scripts/lib/root.ts';

const SETUP = join(ROOT, 'test/setup/open-resources.ts');

/** Test files that pass, but leave something open; and what the report calls it. */
const LEAKS = {
  timer: ['setTimeout(() => {}, 1e6);', '1 × Timeout'],
  interval: ['setInterval(() => {}, 1e6);', '1 × Timeout'],
  server: ["await new Promise((done) => createServer().listen(0, '127.0.0.1', () => done()));", '1 × TCPServerWrap'],
  // It ends by itself, in case that nobody kills it.
  process: ["spawn(process.execPath, ['-e', 'setTimeout(() => {}, 10000)'], { stdio: 'ignore' });", '1 × ProcessWrap'],
  worker: ["new Worker('setInterval(() => {}, 1e6)', { eval: true }).unref();", '1 × Worker'],
} as const;

/** Closes all that it opens, though not at once. */
const CLEAN = `
  const server = createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', () => done()));
  setTimeout(() => server.close(), 200);
  setTimeout(() => {}, 1e6).unref();
  await new Worker('', { eval: true }).terminate();
`;

const IMPORTS = `
  import { spawn } from 'node:child_process';
  import { createServer } from 'node:net';
  import { Worker } from 'node:worker_threads';
  import { test } from 'vitest';
`;

let folder: string;
let messages: ReadonlyMap<string, string>;

beforeAll(async () => {
  mkdirSync(join(ROOT, '.cache'), { recursive: true });
  folder = mkdtempSync(join(ROOT, '.cache/open-resources-'));
  const bodies = [['clean', CLEAN], ...Object.entries(LEAKS).map(([name, [body]]) => [name, body])];
  for (const [name, body] of bodies) {
    writeFileSync(join(folder, `${name}.test.js`), `${IMPORTS}\ntest('passes', async () => { ${body} });\n`);
  }
  // They mostly wait, so all at once is no load.
  const test = { setupFiles: [SETUP], maxWorkers: bodies.length };
  writeFileSync(join(folder, 'vitest.config.js'), `export default { test: ${JSON.stringify(test)} };\n`);
  const report = join(folder, 'report.json');
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--root', folder, '--reporter=json', `--outputFile=${report}`];
  const vitest = spawn(process.execPath, args, { cwd: ROOT, stdio: 'ignore' });
  await once(vitest, 'close');
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as {
    testResults: readonly { name: string; message: string }[];
  };
  messages = new Map(testResults.map(({ name, message }) => [name.slice(folder.length + 1), message]));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each(Object.entries(LEAKS))('a test file that leaves a %s open fails', (name, [, expected]) => {
  expect(messages.get(`${name}.test.js`)).toContain(`leaves open: ${expected}`);
});

test('a test file that closes what it opens passes, also when closing takes a moment', () => {
  expect(messages.get('clean.test.js')).toBe('');
});
