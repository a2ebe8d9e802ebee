import { readFile } from 'node:fs/promises';
import type { Settings } from './resolve-settings.ts';
import type { SingleSettings } from './settings.ts';

/** The content of a file without the end of its last line, which editors add; what is wrong is added to `problems`. */
export async function readSecret(key: string, path: string, problems: string[]): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).replace(/\r?\n$/, '');
  } catch (error) {
    problems.push(`${key}: ${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'})`);
    return undefined;
  }
}

/** Keys of which the one with `_file` names a file with the value of the other. */
type SecretKey = 'server.jwt_secret' | 'engine.nats.password' | 'engine.nats.token';

/** A secret that may stand in the configuration or in a file that it names, but not in both. */
export async function secretOrFile(
  settings: Settings,
  key: SecretKey,
  problems: string[],
): Promise<string | undefined> {
  const fileKey: keyof SingleSettings = `${key}_file`;
  const value = settings.get(key);
  const path = settings.get(fileKey);
  if (value !== undefined && path !== undefined) problems.push(`${key} and ${fileKey}: expected one of them`);
  return path === undefined ? value : readSecret(fileKey, path, problems);
}
