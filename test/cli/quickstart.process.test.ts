import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { eventually } from '../relay/support/eventually.ts';
import { CliHome } from './support/run-cli.ts';
import { shellEnvironment } from './support/skytale-process.ts';

const text = readFileSync(new URL('../../docs/quickstart.md', import.meta.url), 'utf8');
const blocks = [...text.matchAll(/^```sh terminal-(?<terminal>\d)\n(?<script>.*?)^```$/gms)].map(({ groups }) => ({
  terminal: groups?.['terminal'] ?? '',
  script: groups?.['script'] ?? '',
}));

/** A shell that is typed into. */
class TerminalShell {
  output = '';
  readonly #child;
  #count = 0;

  constructor(env: NodeJS.ProcessEnv, cwd: string) {
    this.#child = spawn('bash', ['-e'], { env, cwd, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    const take = (piece: string): void => void (this.output += piece);
    this.#child.stdout.setEncoding('utf8').on('data', take);
    this.#child.stderr.setEncoding('utf8').on('data', take);
    const closed = once(this.#child, 'close');
    onTestFinished(async () => {
      // With what runs in it.
      if (this.#child.pid !== undefined) process.kill(-this.#child.pid, 'SIGKILL');
      await closed;
    });
  }

  type(script: string): void {
    this.#child.stdin.write(script);
  }

  /** Waits until what was typed so far is done. */
  async done(): Promise<void> {
    const mark = `done-${(this.#count += 1)}`;
    this.type(`echo ${mark}\n`);
    await eventually(() => this.output.includes(mark) || this.#child.exitCode !== null);
    if (!this.output.includes(mark)) throw new Error(this.output);
  }
}

test('the quickstart does what it says, command by command', async () => {
  expect(blocks.map(({ terminal }) => terminal)).toEqual(['1', '2', '3', '3']);
  const home = await CliHome.create();
  const env = await shellEnvironment(home, '--port 0 --api-port 0');
  const [one, two, three] = [1, 2, 3].map(() => new TerminalShell(env, home.path)) as [
    TerminalShell,
    TerminalShell,
    TerminalShell,
  ];
  const [up, alice, bob, answers] = blocks.map(({ script }) => script) as [string, string, string, string];
  one.type(up);
  await eventually(() => one.output.includes('serve until Ctrl-C'));
  two.type(alice);
  await eventually(() => two.output.includes('acme/research/summarizer: live'));
  three.type(bob);
  await three.done();
  await eventually(() => two.output.includes('hello from bob\n'));
  three.type(answers);
  await three.done();
  expect(three.output).toContain('hello bob\n');
  expect(one.output + two.output + three.output).not.toContain('skt_inv_');
});
