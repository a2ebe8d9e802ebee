import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { compareVersions, OLDEST_VERSION } from '../../src/relay/engine/nats/server-version.ts';
import { nowMs } from '../e2e/payload.ts';

const CACHE = resolve(import.meta.dirname, '../../.cache/nats-server/nats-server');
const READY_MS = 30_000;

/** The program to start, from `$NATS_SERVER`, `.cache/nats-server` or the search path; `undefined` without one that will do. */
export function findNatsServer(): string | undefined {
  const fromEnvironment = process.env['NATS_SERVER'];
  const inPath = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'nats-server'));
  const paths = fromEnvironment === undefined ? [CACHE, ...inPath] : [fromEnvironment];
  return paths.find((path) => {
    const version = versionOf(path);
    return version !== undefined && compareVersions(version, OLDEST_VERSION) >= 0;
  });
}

function versionOf(path: string): string | undefined {
  try {
    accessSync(path, constants.X_OK);
  } catch {
    return undefined; // not there: the next place may have it
  }
  return /v(\d+\.\d+\.\d+\S*)/.exec(execFileSync(path, ['--version']).toString())?.[1];
}

/** A nats-server with an empty JetStream that flushes to disk before it acknowledges. */
export class NatsServer {
  readonly address: string;
  readonly #process: ChildProcess;
  readonly #directory: string;

  private constructor(address: string, process: ChildProcess, directory: string) {
    this.address = address;
    this.#process = process;
    this.#directory = directory;
  }

  /** Resolves when it takes connections. */
  static async start(program: string): Promise<NatsServer> {
    const directory = await mkdtemp(join(tmpdir(), 'skytale-bench-nats-'));
    const port = await freePort();
    const config = join(directory, 'nats.conf');
    await writeFile(
      config,
      `listen: "127.0.0.1:${port}"
jetstream { store_dir: "${directory}", max_mem: 64M, max_file: 8G, sync_interval: always }
`,
    );
    const process = spawn(program, ['-c', config], { stdio: 'ignore' });
    const server = new NatsServer(`127.0.0.1:${port}`, process, directory);
    const deadlineMs = nowMs() + READY_MS;
    while (!(await isListening(port))) {
      if (process.exitCode !== null || nowMs() > deadlineMs) {
        await server.stop();
        throw new Error('nats-server did not start');
      }
      await wait(20);
    }
    return server;
  }

  /** Ends it and deletes its files. */
  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = once(this.#process, 'exit');
      this.#process.kill('SIGKILL');
      await ended;
    }
    await rm(this.#directory, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    const settle = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
  });
}
