import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LOADER = import.meta.resolve('tsx');
const TIMEOUT_MS = 60_000;

/** What an example says when its own assertions held. The demo has tests of its own. */
const EXAMPLES: Readonly<Record<string, RegExp>> = {
  approval: /bob was let in, mallory was not: .*nobody here knows mallory/,
  'back-pressure':
    /the relay has 2001 entries, bob has read 1\d\d\d and handled 0\n.*handled 2000, all of them, in order/,
  bridge: /3 messages came over one way, 1 the other/,
  echo: /alice heard "you said: hello" and "you said: is there anybody\?"/,
  'map-reduce': /exact; \d\d+ crashes/,
  'request-reply': /carol answered, bob counted to 3 and was stopped/,
};

async function run(name: string): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['--import', LOADER, `examples/${name}/main.ts`],
    { cwd: ROOT, timeout: TIMEOUT_MS },
  );
  return stdout + stderr;
}

it.each(Object.entries(EXAMPLES))('%s works and says so', async (name, expected) => {
  expect(await run(name)).toMatch(expected);
});

it('knows all examples', () => {
  const folders = readdirSync(new URL('../../examples', import.meta.url), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
  expect(folders.sort()).toEqual([...Object.keys(EXAMPLES), 'demo', 'lib'].sort());
});
