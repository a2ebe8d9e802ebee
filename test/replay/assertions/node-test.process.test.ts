import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const PROGRAM = fileURLToPath(new URL('programs/under-node-test.ts', import.meta.url));

it('the assertions work under the test runner of Node', async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', import.meta.resolve('tsx'), '--test', '--test-reporter', 'tap', PROGRAM],
    // The runner finds out by this that it is run by another one, and then tells nobody.
    { env: { ...process.env, NODE_TEST_CONTEXT: undefined }, timeout: 60_000 },
  );
  expect(stdout).toMatch(/# pass 3\n# fail 0/);
});
