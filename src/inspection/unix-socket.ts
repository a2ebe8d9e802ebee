import { chmod, lstat, rm } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { RuntimeError } from '../base/errors.ts';

/** What every system takes as the path of a socket. Linux takes 107 bytes, macOS 103. */
const MAX_PATH_BYTES = 103;
const OWNER_ONLY = 0o600;

/**
 * Lets `server` listen on a Unix socket that only its owner can open. A socket that a dead process has left there is replaced.
 *
 * @throws {@link RuntimeError} `invalid_argument` for a path that is too long, or where something else is than a socket;
 * `runtime_error` if somebody serves there already, or the system refuses
 */
export async function listenOn(server: Server, path: string): Promise<void> {
  const bytes = Buffer.byteLength(path);
  if (bytes > MAX_PATH_BYTES) {
    const detail = `Expected the path of the inspection socket to have at most ${MAX_PATH_BYTES} bytes, got ${bytes}`;
    throw new RuntimeError('invalid_argument', `${detail}: name a shorter one as \`inspect.socket\`.`);
  }
  await removeLeftover(path);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  }).catch((cause: unknown) => {
    throw new RuntimeError('runtime_error', `cannot serve inspection on ${path}`, { cause });
  });
  await chmod(path, OWNER_ONLY);
}

async function removeLeftover(path: string): Promise<void> {
  const stats = await lstat(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new RuntimeError('runtime_error', `cannot look at ${path}`, { cause: error });
  });
  if (stats === undefined) return;
  if (!stats.isSocket()) {
    throw new RuntimeError('invalid_argument', `Expected \`inspect.socket\` to be free, but ${path} is no socket.`);
  }
  if (await answers(path)) throw new RuntimeError('runtime_error', `another process serves inspection on ${path}`);
  await rm(path, { force: true });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
