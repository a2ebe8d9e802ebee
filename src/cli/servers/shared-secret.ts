import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RuntimeError } from '../../base/errors.ts';

/** The secret under which tokens are made and checked, from the data directory; made the first time, for its owner alone. */
export function sharedSecret(dataDir: string): string {
  const path = join(dataDir, 'jwt_secret');
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    // Of two that start at once, one makes it.
    writeFileSync(path, `${randomBytes(48).toString('base64')}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw new RuntimeError('store_error', `${path} cannot be made`, { cause: error });
    }
  }
  const secret = readFileSync(path, 'utf8').trim();
  if (secret !== '') return secret;
  throw new RuntimeError('store_damaged', `${path} is empty: delete it, and start again; tokens made before end`);
}
