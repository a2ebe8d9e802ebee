import { expect, test } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { systemClock } from '../../src/base/clock.ts';
import { run } from '../../src/cli/run.ts';
import { CliHome } from './support/run-cli.ts';

test.each([
  [['bogus'], "unknown command 'bogus'"],
  [['create'], "missing required argument 'channel'"],
  [['create', 'acme/ops/log', 'extra', '--identity', 'a'], 'too many arguments'],
  [['send', '--bogus'], "unknown option '--bogus'"],
  [['send', 'acme/ops/log', 'x', '--receipt', 'maybe'], 'Allowed choices are accepted, delivered, handled'],
  [['send', 'acme/ops/log', 'x', '--timeout', 'soon'], 'Expected seconds'],
  [['send', 'acme/ops/log', 'x', '--raw', '--identity', 'a'], '--raw sends stdin'],
  [['send', 'acme/ops', 'x', '--identity', 'a'], 'invalid channel name: acme/ops (expected org/namespace/service)'],
  [['tail', 'Acme/Ops/Log', '--identity', 'a'], 'invalid channel name'],
  [['tail', 'acme/ops/log', '-n', '0'], 'Expected a whole number of at least 1'],
  [['tail', 'acme/ops/log'], 'who is the agent?'],
  [['members', 'acme/ops/log/more', '--identity', 'a'], 'invalid channel name'],
  [['add', 'acme/ops/log', '--identity', 'a'], 'expected a key package in base64 on stdin'],
  [['join', 'acme/ops/log', '--welcome', '--identity', 'a'], 'expected a Welcome in base64 on stdin'],
  [['join', 'acme/ops/log', '--identity', 'a'], "expected an invite's token on stdin"],
  [['invite', 'acme/ops/log', '--uses', '0'], 'Expected a whole number from 1 to 10000'],
  [['invite', 'acme/ops/log', '--ttl', '59'], 'Expected a whole number from 60 to 2592000'],
  [['requests'], "missing required argument 'channel'"],
  [['requests', 'approve', 'acme/ops/log'], "missing required argument 'request'"],
  [['remove', 'acme/ops/log'], "missing required argument 'member'"],
  [['signup'], "missing required argument 'email'"],
  [['keys', 'revoke'], "missing required argument 'id'"],
  [['up', '--port', '70000'], 'Expected a whole number from 0 to 65535'],
  [['demo', '--messages', '1'], 'Expected a whole number from 2 to 10000'],
  [['bench', '--bytes', 'many'], 'Expected a whole number from 1 to 200000'],
  [['billing', 'upgrade', 'pro', 'extra'], 'too many arguments'],
  [['tree', 'extra'], 'too many arguments'],
  [['doctor', 'acme/ops/log', 'extra'], 'too many arguments'],
  [['completion', 'csh'], 'Allowed choices are bash, zsh, fish'],
])('refuses %j with exit code 2, in words and as JSON', async (argv, text) => {
  const home = await CliHome.create();
  const inWords = await home.run(argv);
  expect(inWords).toMatchObject({ code: 2, stdout: '' });
  expect(inWords.stderr).toContain(text);
  const asJson = await home.run([...argv, '--json']);
  expect(asJson).toMatchObject({ code: 2, stdout: '' });
  const { error } = JSON.parse(asJson.stderr) as { error: { message: string; exit_code: number } };
  expect(error.message).toContain(text);
  expect(error.exit_code).toBe(2);
});

test('every command has a help with examples, and --json', async () => {
  const home = await CliHome.create();
  const { terminal } = fakeContext(home);
  const program = createProgram(fakeContext(home));
  expect(terminal.hasColour).toBe(false);
  const visit = async (commands: typeof program.commands, path: readonly string[]): Promise<void> => {
    for (const command of commands) {
      const words = [...path, command.name()];
      const help = await home.ok([...words, '--help']);
      if (command.commands.length === 0) {
        expect(help, words.join(' ')).toContain('Examples:');
        expect(help, words.join(' ')).toMatch(/^ {2}(\$ )?.*skytale/m);
        if (command.name() !== 'relay') expect(help, words.join(' ')).toContain('--json');
      }
      await visit(command.commands, words);
    }
  };
  await visit(program.commands, []);
});

test('no example shows a secret on a command line', async () => {
  const home = await CliHome.create();
  const texts = [await home.ok(['--help'])];
  for (const command of createProgram(fakeContext(home)).commands)
    texts.push(await home.ok([command.name(), '--help']));
  for (const text of texts) expect(text).not.toMatch(/sk_live_\w|sk_test_\w|skt_inv_\w|eyJ/);
});

test('says its version, and where to begin', async () => {
  const home = await CliHome.create();
  expect(await home.ok(['--version'])).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(await home.ok(['--help'])).toContain('Exit codes:');
  expect((await home.run([])).code).toBe(2);
});

function fakeContext(home: CliHome): Parameters<typeof createProgram>[0] {
  return {
    terminal: {
      input: (async function* (): AsyncGenerator<Uint8Array> {})(),
      isInputTty: false,
      isTty: false,
      isErrorTty: false,
      hasColour: false,
      columns: () => 100,
      rows: () => 24,
      signal: new AbortController().signal,
      write: async () => undefined,
      note: () => undefined,
    },
    environment: {},
    argv: [],
    clock: systemClock,
    home: home.path,
    run,
    isSignalAnEnd: false,
    exitCode: 0,
  };
}
