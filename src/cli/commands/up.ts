import { Command } from 'commander';
import { join, resolve } from 'node:path';
import { callApi } from '../api/control-api.ts';
import type { CliContext } from '../context.ts';
import { writeCredentials } from '../credentials.ts';
import { explain, jsonOption, wholeNumber } from '../options.ts';
import { configDirectory, makeConfigDirectory } from '../settings.ts';
import { untilAborted } from '../until-aborted.ts';

interface Flags {
  readonly host: string;
  readonly port: number;
  readonly apiPort: number;
  readonly dataDir?: string;
  readonly account?: string;
  readonly save: boolean;
  readonly verbose: boolean;
  readonly json: boolean;
}

/** `skytale up`. */
export function upCommand(context: CliContext): Command {
  const command = jsonOption(
    new Command('up').description('run a relay and a control plane on this machine'),
    'print one JSON object when both serve',
  )
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <number>', 'port of the relay, 0 for a free one', wholeNumber(0, 65_535), 5_000)
    .option('--api-port <number>', 'port of the control plane, 0 for a free one', wholeNumber(0, 65_535), 8_080)
    .option('--data-dir <directory>', 'where both keep what they have (default ~/.skytale/server)')
    .option('--account <email>', 'make an account, and print its key with the environment')
    .option('--save', 'store the addresses, and the key of --account, in ~/.skytale/credentials.json', false)
    .option('--verbose', 'log on stderr, one line of JSON each', false)
    .action((flags: Flags) => up(context, flags));
  return explain(command, {
    examples: [
      'skytale up --account you@example.com',
      'skytale up --account you@example.com --save     # then other terminals need no environment',
      'skytale up --port 0 --api-port 0 --json',
    ],
    notes:
      'The secret that both share is made at the first start and kept in the data directory. Ctrl-C ends both.\n' +
      'Neither is encrypted (http://): on another address than 127.0.0.1 put a proxy with TLS in front, or see docs/self-hosting.md.',
  });
}

async function up(context: CliContext, flags: Flags): Promise<void> {
  const { terminal } = context;
  context.isSignalAnEnd = true;
  makeConfigDirectory(context);
  const dataDir = resolve(flags.dataDir ?? join(configDirectory(context), 'server'));
  // Loaded when they are wanted: other commands start without them.
  const { startServers } = await import('../servers/start-servers.ts');
  const servers = await startServers({ ...flags, dataDir });
  try {
    const { relay, api } = servers;
    const key = flags.account === undefined ? undefined : await makeAccount(context, api, flags.account);
    if (flags.save && key !== undefined) {
      const path = writeCredentials(configDirectory(context), { apiKey: key, apiUrl: api, relay });
      terminal.note(`Stored in ${path}: other commands find both servers and the key there.\n`);
    }
    if (flags.json) {
      await terminal.write(
        `${JSON.stringify({ ready: true, relay, api_url: api, data_dir: dataDir, api_key: key ?? null })}\n`,
      );
    } else {
      await terminal.write(environmentText({ relay, api, key }));
      terminal.note(`A relay and a control plane serve until Ctrl-C; their data is in ${dataDir}.\n`);
    }
    await untilAborted(terminal.signal, servers.failed).catch((error: unknown) => {
      if (!terminal.signal.aborted) throw error;
    });
  } finally {
    await servers.close();
  }
}

function environmentText({
  relay,
  api,
  key,
}: {
  readonly relay: string;
  readonly api: string;
  readonly key: string | undefined;
}): string {
  const lines = [`export SKYTALE_RELAY=${relay}`, `export SKYTALE_API_URL=${api}`];
  return `${[...lines, ...(key === undefined ? [] : [`export SKYTALE_API_KEY=${key}`])].join('\n')}\n`;
}

async function makeAccount(context: CliContext, apiUrl: string, email: string): Promise<string> {
  const call = { method: 'POST', path: '/v1/accounts', body: { email }, isOpen: true } as const;
  const { api_key: key } = (await callApi(context, { apiUrl, apiKey: undefined }, call)) as {
    readonly api_key: string;
  };
  return key;
}
