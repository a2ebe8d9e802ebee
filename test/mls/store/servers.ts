import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, chownSync, constants, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from '../../support/free-port.ts';

/** A server of a test's own, on a free port of 127.0.0.1, with its files in a directory that goes with it. */
export interface TestServer {
  readonly port: number;
  stop(): Promise<void>;
}

/** Debian keeps the programs of PostgreSQL out of the search path. */
const postgresFolders = (): string[] => {
  const root = '/usr/lib/postgresql';
  try {
    return readdirSync(root).map((version) => join(root, version, 'bin'));
  } catch {
    return [];
  }
};

/** Where a program is, or `undefined`; then the reason for what is skipped is printed. */
function findProgram(name: string, folders: readonly string[] = []): string | undefined {
  for (const folder of [...folders, ...(process.env['PATH'] ?? '').split(delimiter)]) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // The next one, then.
    }
  }
  console.warn(`Tests that need ${name} are skipped: there is no such program here.`);
  return undefined;
}

export const redisServer: string | undefined = findProgram('redis-server');
const initdb = findProgram('initdb', postgresFolders());
export const postgresServer: string | undefined = initdb && findProgram('postgres', postgresFolders());

/** A Redis with as many databases as tests may want. */
export async function startRedis(): Promise<TestServer> {
  return start(redisServer, 'skytale-redis-', /Ready to accept connections/, (port, directory) => [
    ...['--port', `${port}`, '--bind', '127.0.0.1', '--dir', directory, '--databases', '256'],
    ...['--save', '', '--appendonly', 'no'],
  ]);
}

/** A PostgreSQL that trusts everybody who reaches it, as the user `postgres`. */
export async function startPostgres(): Promise<TestServer> {
  const arguments_ = (port: number, directory: string): string[] => [
    ...['-D', directory, '-p', `${port}`, '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
    ...['-c', 'fsync=off', '-c', 'max_connections=20', '-c', 'shared_buffers=8MB'],
  ];
  return start(postgresServer, 'skytale-postgres-', /ready to accept connections/, arguments_, (directory, user) => {
    if (user.uid !== undefined) chownSync(directory, user.uid, user.gid ?? user.uid);
    const options = ['-D', directory, '-U', 'postgres', '-A', 'trust', '--no-sync', '--locale=C', '-E', 'UTF8'];
    execFileSync(initdb ?? '', options, { ...user, cwd: tmpdir(), stdio: 'ignore' });
  });
}

async function start(
  program: string | undefined,
  prefix: string,
  isReady: RegExp,
  argumentsFor: (port: number, directory: string) => readonly string[],
  prepare: (directory: string, user: User) => void = () => undefined,
): Promise<TestServer> {
  if (program === undefined) throw new Error('This server is not here.');
  const directory = mkdtempSync(join(tmpdir(), prefix));
  const user = prefix.includes('postgres') ? unprivilegedUser() : {};
  prepare(directory, user);
  const port = await freePort();
  const options: SpawnOptions = { ...user, cwd: tmpdir(), stdio: ['ignore', 'pipe', 'pipe'] };
  const server = spawn(program, argumentsFor(port, directory), options);
  const ended = once(server, 'close');
  const stop = async (): Promise<void> => {
    // To PostgreSQL: end now, without waiting for clients. To Redis: end.
    server.kill('SIGINT');
    await ended;
    rmSync(directory, { recursive: true, force: true });
  };
  await ready(server, isReady, ended);
  return { port, stop };
}

interface User {
  readonly uid?: number;
  readonly gid?: number;
}

/** PostgreSQL refuses to run as root. */
function unprivilegedUser(): User {
  if (process.getuid?.() !== 0) return {};
  const idOf = (option: string): number => Number(execFileSync('id', [option, 'postgres']).toString());
  return { uid: idOf('-u'), gid: idOf('-g') };
}

function ready(server: ChildProcess, isReady: RegExp, ended: Promise<unknown>): Promise<void> {
  return new Promise((resolve, reject) => {
    const lines: string[] = [];
    for (const stream of [server.stdout, server.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        lines.push(line);
        if (isReady.test(line)) resolve();
      });
    }
    ended.then(() => reject(new Error(`The server ended: ${lines.join(' | ')}`)), reject);
  });
}
