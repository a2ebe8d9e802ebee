import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { compareVersions } from '../../src/relay/engine/nats/server-version.ts';
import { freePort } from './free-port.ts';

const OLDEST = '2.10.27';
const CACHE = fileURLToPath(new URL('../../.cache/nats-server/nats-server', import.meta.url));
const READY_MS = 30_000;

/** A program that can be run, and what it says that it is. */
interface Program {
  readonly path: string;
  readonly version: string;
}

function versionOf(path: string): string | undefined {
  try {
    accessSync(path, constants.X_OK);
    return /v(\d+\.\d+\.\d+\S*)/.exec(execFileSync(path, ['--version']).toString())?.[1];
  } catch {
    return undefined;
  }
}

function findProgram(): Program | string {
  const fromEnvironment = process.env['NATS_SERVER'];
  const inPath = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'nats-server'));
  const tooOld: string[] = [];
  for (const path of fromEnvironment === undefined ? [CACHE, ...inPath] : [fromEnvironment]) {
    const version = versionOf(path);
    if (version === undefined) continue;
    if (compareVersions(version, OLDEST) >= 0) return { path, version };
    tooOld.push(version);
  }
  if (tooOld.length > 0) return `nats-server ${tooOld.join(', ')} is too old, ${OLDEST} is needed`;
  return fromEnvironment === undefined
    ? 'there is no nats-server in $NATS_SERVER, .cache/nats-server or the search path (scripts/install-test-servers.sh)'
    : '$NATS_SERVER does not name a nats-server';
}

const found = findProgram();

/** Why tests that need a nats-server are skipped, or `undefined` if they run. It is printed. */
export const natsMissing: string | undefined = typeof found === 'string' ? found : undefined;
if (natsMissing !== undefined) console.warn(`Tests that need nats-server are skipped: ${natsMissing}.`);

/** Version of the server that the tests run. */
export const natsVersion: string = typeof found === 'string' ? '0.0.0' : found.version;

/** A nats-server of a test's own. Its port and its files stay over kills and starts. */
export class NatsServer {
  readonly port: number;
  readonly name: string;
  readonly #config: string;
  #process: ChildProcess | undefined;
  #output = '';

  constructor(name: string, port: number, config: string) {
    this.name = name;
    this.port = port;
    this.#config = config;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get isRunning(): boolean {
    return this.#process !== undefined;
  }

  /** Resolves when it takes connections. */
  async start(): Promise<void> {
    if (typeof found === 'string') throw new Error(found);
    const server = spawn(found.path, ['-c', this.#config], { cwd: tmpdir(), stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process = server;
    this.#output = '';
    for (const stream of [server.stdout, server.stderr]) {
      stream.on('data', (bytes: Buffer) => (this.#output = (this.#output + bytes.toString()).slice(-20_000)));
    }
    const deadline = Date.now() + READY_MS;
    while (!(await isListening(this.port))) {
      if (server.exitCode !== null || Date.now() > deadline)
        throw new Error(`nats-server did not start: ${this.#output}`);
      await wait(20);
    }
  }

  /** Ends it, and waits for that. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const server = this.#process;
    if (server === undefined) return;
    this.#process = undefined;
    const ended = once(server, 'close');
    server.kill(signal);
    if (signal !== 'SIGKILL') server.kill('SIGCONT');
    await ended;
  }

  pause(): void {
    this.#process?.kill('SIGSTOP');
  }

  resume(): void {
    this.#process?.kill('SIGCONT');
  }
}

/** Servers that belong together, with their files. */
export interface NatsServers {
  readonly servers: readonly NatsServer[];
  readonly addresses: readonly string[];
  stop(): Promise<void>;
}

/** One server that flushes to disk before it acknowledges. */
export function startNats(extra = ''): Promise<NatsServers> {
  return startServers(1, extra);
}

/** Three that hold every stream together. */
export function startNatsCluster(): Promise<NatsServers> {
  return startServers(3, '');
}

async function startServers(count: number, extra: string): Promise<NatsServers> {
  const directory = await mkdtemp(join(tmpdir(), 'skytale-nats-'));
  const ports = await Promise.all(Array.from({ length: 2 * count }, () => freePort()));
  const routes = ports.slice(count).map((port) => `nats://127.0.0.1:${port}`);
  const servers: NatsServer[] = [];
  for (let index = 0; index < count; index += 1) {
    const name = `n${index}`;
    const store = join(directory, name);
    await mkdir(store);
    const cluster =
      count === 1
        ? ''
        : `cluster { name: test, listen: "127.0.0.1:${ports[count + index]}", routes: [${routes.join(', ')}] }`;
    const config = join(directory, `${name}.conf`);
    await writeFile(
      config,
      `server_name: ${name}
listen: "127.0.0.1:${ports[index]}"
jetstream { store_dir: "${store}", max_mem: 64M, max_file: 4G, sync_interval: always }
${cluster}
${extra}
`,
    );
    servers.push(new NatsServer(name, ports[index]!, config));
  }
  const stop = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.kill()));
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await Promise.all(servers.map((server) => server.start()));
  } catch (error) {
    await stop();
    throw error;
  }
  return { servers, addresses: servers.map(({ address }) => address), stop };
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    const settle = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    // The server speaks first.
    socket.once('data', () => settle(true));
    socket.once('error', () => settle(false));
    socket.once('close', () => settle(false));
  });
}
