import { spawnSync } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { eventually } from '../relay/support/eventually.ts';
import { shellEnvironment } from './support/skytale-process.ts';
import { CHANNEL, twoAgents } from './support/two-agents.ts';

const isThere = spawnSync('tmux', ['-V']).status === 0;

/** A terminal that a program can look at. */
class Screen {
  readonly #name: string;
  readonly #environment: NodeJS.ProcessEnv;

  constructor(name: string, environment: NodeJS.ProcessEnv) {
    this.#name = name;
    this.#environment = environment;
    onTestFinished(() => void this.tmux('kill-server'));
  }

  tmux(...args: readonly string[]): string {
    return spawnSync('tmux', ['-L', this.#name, '-f', '/dev/null', ...args], {
      encoding: 'utf8',
      env: this.#environment,
    }).stdout;
  }

  open(command: string, columns: number, rows: number): void {
    this.tmux('new-session', '-d', '-x', String(columns), '-y', String(rows), command);
  }

  lines(): readonly string[] {
    return this.tmux('capture-pane', '-p')
      .split('\n')
      .map((line) => line.trimEnd());
  }

  async until(condition: (text: string) => boolean): Promise<readonly string[]> {
    while (!condition(this.lines().join('\n'))) await wait(50);
    return this.lines();
  }
}

test.runIf(isThere)('draws a running agent in a terminal, over what was there, and follows it to its end', async () => {
  const home = await twoAgents();
  const tail = home.start(['tail', CHANNEL, '--identity', 'alice']);
  await eventually(() => tail.stderr().includes('live'));

  const screen = new Screen(`skytale-${process.pid}`, await shellEnvironment(home));
  screen.open('echo above; skytale tree --identity alice; cat', 110, 16);
  const first = await screen.until((text) => /acme\/ops\/log live {2}epoch 1 · 2 members/.test(text));
  expect(first[0]).toBe('above');
  expect(first.filter((line) => line.startsWith('process '))).toHaveLength(1);
  expect(first.filter((line) => line.includes('alice online'))).toHaveLength(1);

  await home.ok(['rotate', CHANNEL, '--identity', 'bob']);
  const second = await screen.until((text) => text.includes('epoch 2'));
  expect(second[0]).toBe('above');
  expect(second.filter((line) => /^ *└─ acme\/ops\/log/.test(line))).toHaveLength(1);
  expect(second.filter((line) => line.startsWith('process '))).toHaveLength(1);

  screen.tmux('resize-window', '-x', '60', '-y', '16');
  await home.ok(['rotate', CHANNEL, '--identity', 'bob']);
  const narrow = await screen.until((text) => text.includes('epoch 3'));
  expect(Math.max(...narrow.map((line) => line.length))).toBeLessThanOrEqual(60);

  tail.interrupt();
  await screen.until((text) => text.includes('the agent has ended'));
});

test.runIf(!isThere)('is skipped without tmux', () => {
  console.warn('tmux is not there: the tree in a terminal was not tested');
});

test('prints the tree once, and the feed as JSON lines', async () => {
  const home = await twoAgents();
  const tail = home.start(['tail', CHANNEL, '--identity', 'alice']);
  await eventually(() => tail.stderr().includes('live'));
  const lines = (await home.ok(['tree', '--once'])).trimEnd().split('\n');
  expect(lines.slice(1, 3)).toEqual(['agents', expect.stringMatching(/^└─ alice online {2}1 channel/)]);
  expect(lines[3]).toMatch(/^ {3}└─ acme\/ops\/log live {2}epoch 1 · 2 members/);
  const frames = (await home.ok(['tree', '--identity', 'alice', '--once', '--json'])).trim().split('\n');
  expect(frames.map((line) => (JSON.parse(line) as { frame: string }).frame)).toEqual(['hello', 'snapshot']);
});

test('says so when there is nothing to look at', async () => {
  const home = await twoAgents();
  const { code, stderr } = await home.run(['tree', '--identity', 'alice']);
  expect(code).toBe(4);
  expect(stderr).toContain('nothing to inspect');
});
