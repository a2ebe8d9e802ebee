import { readFile, stat } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { SecureContextOptions } from 'node:tls';
import type { Clock } from '../../base/clock.ts';
import { RuntimeError } from '../../base/errors.ts';

/** Where the relay's certificate lies. All files are PEM. */
export interface TlsPaths {
  /** The certificate, followed by those that lead to its root. */
  readonly certificate: string;
  readonly key: string;
  /** Certificates that clients' certificates must come from. With it, a client without one is not let in. */
  readonly clientCa?: string;
}

/** What was read from {@link TlsPaths}. */
export type TlsMaterial = Required<Pick<SecureContextOptions, 'cert' | 'key'>> & Pick<SecureContextOptions, 'ca'>;

/** How often the files are looked at. A file system's own notices do not come through links that are exchanged. */
const LOOK_MS = 10_000;

/**
 * Reads the files, and checks that they are a certificate and its key.
 *
 * @throws {@link RuntimeError} `invalid_argument`, naming the file that cannot be read or does not fit.
 */
export async function readTlsFiles(paths: TlsPaths): Promise<TlsMaterial> {
  const [cert, key, ca] = await Promise.all([
    readPem('certificate', paths.certificate),
    readPem('key', paths.key),
    paths.clientCa === undefined ? undefined : readPem('client CA', paths.clientCa),
  ]);
  const material = { cert, key, ...(ca === undefined ? {} : { ca }) };
  try {
    createSecureContext(material);
  } catch (cause) {
    const files = Object.values(paths).join(', ');
    throw new RuntimeError('invalid_argument', `no TLS with ${files}: ${messageOf(cause)}`, { cause });
  }
  return material;
}

/** Calls back when one of the files has become another, until the returned function is called. */
export function followTlsFiles(paths: TlsPaths, clock: Clock, onChange: () => void): () => void {
  let isStopped = false;
  let cancel = (): void => undefined;
  let known: string | undefined;
  const look = async (): Promise<void> => {
    const marks = await Promise.all(Object.values(paths).map(markOf));
    if (isStopped) return;
    const now = marks.join();
    if (known !== undefined && known !== now) onChange();
    known = now;
    cancel = clock.schedule(LOOK_MS, () => void look());
  };
  void look();
  return () => {
    isStopped = true;
    cancel();
  };
}

/** Changes when the file does; the same for all that is wrong with it, which reading will tell better. */
async function markOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(path);
    return `${ino}:${size}:${mtimeMs}`;
  } catch {
    return 'unreadable';
  }
}

async function readPem(what: string, path: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new RuntimeError('invalid_argument', `the TLS ${what} cannot be read: ${messageOf(cause)}`, { cause });
  }
  if (!text.includes('-----BEGIN ')) throw new RuntimeError('invalid_argument', `the TLS ${what} ${path} is no PEM`);
  return text;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
