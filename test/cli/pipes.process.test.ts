import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { eventually } from '../relay/support/eventually.ts';
import { shellEnvironment } from './support/skytale-process.ts';
import { CHANNEL, twoAgents } from './support/two-agents.ts';
import type { CliHome } from './support/run-cli.ts';

interface Shell {
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Exit code, or signal. */
  readonly exited: Promise<number | string>;
  kill(signal: NodeJS.Signals): void;
}

async function shell(home: CliHome, script: string): Promise<Shell> {
  const env = await shellEnvironment(home);
  const child = spawn('bash', ['-c', script], { env, cwd: home.path, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const exited = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  return { stdout: () => stdout, stderr: () => stderr, exited, kill: (signal) => void child.kill(signal) };
}

test('takes lines from a pipe and gives them to a pipe', async () => {
  const home = await twoAgents();
  const run = await shell(
    home,
    `set -o pipefail
     seq 1 1000 | skytale send ${CHANNEL} - --identity alice &&
     skytale tail ${CHANNEL} --identity bob -n 1000 --quiet | sha256sum`,
  );
  expect(await run.exited).toBe(0);
  expect(run.stderr()).toBe('');
  // printf '%s\n' {1..1000} | sha256sum
  expect(run.stdout()).toBe('67d4ff71d43921d5739f387da09746f405e425b07d727e4c69d029461d1f051f  -\n');
});

test('ends quietly when the reader of its output has seen enough', async () => {
  const home = await twoAgents();
  await home.ok(['send', CHANNEL, '-', '--identity', 'alice'], { input: 'one\ntwo\nthree\n' });
  const run = await shell(home, `skytale tail ${CHANNEL} --identity bob --quiet | head -n 1; echo "\${PIPESTATUS[@]}"`);
  await eventually(() => run.stdout().includes('one'));
  // It notices when it writes the next time.
  const more = setInterval(() => void home.run(['send', CHANNEL, 'more', '--identity', 'alice']), 3_000);
  try {
    expect(await run.exited).toBe(0);
  } finally {
    clearInterval(more);
  }
  expect(run.stdout()).toBe('one\n0 0\n');
  expect(run.stderr()).toBe('');
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('ends on %s with its code, and lets go of the directory', async (signal, code) => {
  const home = await twoAgents();
  const run = await shell(home, `exec skytale tail ${CHANNEL} --identity bob`);
  await eventually(() => run.stderr().includes('live'));
  run.kill(signal);
  expect(await run.exited).toBe(code);
  expect(await home.ok(['channels', '--identity', 'bob'])).toBe(`${CHANNEL}\n`);
});
