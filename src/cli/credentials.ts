import { chmodSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RuntimeError } from '../base/errors.ts';

/** What `skytale signup` and `skytale up --save` keep for later commands. */
export interface Credentials {
  readonly apiKey: string;
  /** The control plane that gave the key, and the only one that it is sent to. */
  readonly apiUrl: string;
  readonly relay?: string;
}

const FILE = 'credentials.json';
const OTHERS = 0o077;

/** Where the credentials of a directory of configuration are. */
export function credentialsPath(directory: string): string {
  return join(directory, FILE);
}

/**
 * The stored credentials, if there are any.
 *
 * @throws {@link RuntimeError} `store_error` if the file cannot be read, is damaged, or could be read by others
 */
export function readCredentials(directory: string): Credentials | undefined {
  const path = credentialsPath(directory);
  let text: string;
  try {
    if (process.platform !== 'win32' && (statSync(path).mode & OTHERS) !== 0) {
      throw new RuntimeError('store_error', `others can read ${path}: run chmod 600 on it, and make a new key`);
    }
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    if (error instanceof RuntimeError) throw error;
    throw new RuntimeError('store_error', `${path} cannot be read`, { cause: error });
  }
  return parse(text, path);
}

/** Stores credentials in place of those that are there; the file is complete or as it was. */
export function writeCredentials(directory: string, { apiKey, apiUrl, relay }: Credentials): string {
  const path = credentialsPath(directory);
  const stored = { api_key: apiKey, api_url: apiUrl, ...(relay === undefined ? {} : { relay }) };
  const draft = `${path}.new`;
  try {
    writeFileSync(draft, `${JSON.stringify(stored, undefined, 2)}\n`, { mode: 0o600 });
    chmodSync(draft, 0o600); // one that was left behind keeps its mode
    renameSync(draft, path);
  } catch (error) {
    throw new RuntimeError('store_error', `${path} cannot be written`, { cause: error });
  }
  return path;
}

function parse(text: string, path: string): Credentials {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && 'api_key' in value && 'api_url' in value) {
      const { api_key: apiKey, api_url: apiUrl } = value;
      const relay = 'relay' in value && typeof value.relay === 'string' ? { relay: value.relay } : {};
      if (typeof apiKey === 'string' && typeof apiUrl === 'string') return { apiKey, apiUrl, ...relay };
    }
  } catch {
    // The parser would quote the text, and with it the key.
  }
  throw new RuntimeError('store_error', `${path} is damaged: sign up again, or delete it and set SKYTALE_API_KEY`);
}
