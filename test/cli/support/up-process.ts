import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import type { CliHome } from './run-cli.ts';
import { shellEnvironment, SKYTALE_ARGS } from './skytale-process.ts';

/** What `skytale up --json` prints. */
export interface Ready {
  readonly ready: true;
  readonly relay: string;
  readonly api_url: string;
  readonly data_dir: string;
  readonly api_key: string | null;
}

/** `skytale up` as a process of its own. */
export interface UpProcess {
  readonly ready: Ready;
  readonly exited: Promise<number | string>;
  kill(signal: NodeJS.Signals): void;
}

/**
 * Starts a relay and a control plane on free ports, until the test has finished. From then on the commands of `home` find them,
 * and use the key of the account that was made.
 */
export async function skytaleUp(home: CliHome, ...args: readonly string[]): Promise<UpProcess> {
  const flags = ['up', '--port', '0', '--api-port', '0', '--json', ...args];
  const child = spawn(process.execPath, [...SKYTALE_ARGS, ...flags], {
    env: await shellEnvironment(home),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const exited = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const line = once(createInterface(child.stdout), 'line').then(([text]) => text as string);
  const first = await Promise.race([line, exited]);
  if (typeof first !== 'string' || !first.startsWith('{')) throw new Error(`skytale up ended (${first}): ${stderr}`);
  const ready = JSON.parse(first) as Ready;
  home.environment['SKYTALE_RELAY'] = ready.relay;
  home.environment['SKYTALE_API_URL'] = ready.api_url;
  if (ready.api_key !== null) home.environment['SKYTALE_API_KEY'] = ready.api_key;
  return { ready, exited, kill: (signal) => void child.kill(signal) };
}
