import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { RuntimeError } from '../../base/errors.ts';
import type { Given } from './given.ts';

/**
 * What a TOML file says, key by key.
 *
 * @throws {@link RuntimeError} `invalid_argument` if it cannot be read or is no TOML. The text names the line and never
 * shows it: it may hold a secret.
 */
export async function readTomlFile(path: string): Promise<Given[]> {
  let toml: string;
  try {
    toml = await readFile(path, 'utf8');
  } catch (cause) {
    throw new RuntimeError('invalid_argument', `the configuration file ${path} cannot be read`, { cause });
  }
  const lines = linesOfKeys(toml);
  return [...leaves(parseToml(toml, path), [])].map(({ path: key, value }) => {
    const line = lines.get(key);
    return { key, value, isText: false, source: line === undefined ? basename(path) : `${basename(path)}:${line}` };
  });
}

function parseToml(toml: string, path: string): Readonly<Record<string, unknown>> {
  try {
    return parse(toml);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // Its message and `codeblock` repeat the lines around the mistake. It is no cause either: causes are printed.
    const reason = error.message.split('\n', 1)[0] ?? '';

    throw new RuntimeError('invalid_argument', `${path}:${error.line}:${error.column}: ${reason}`);
  }
}

function* leaves(table: object, above: readonly string[]): Generator<{ path: string; value: unknown }> {
  for (const [name, value] of Object.entries(table) as [string, unknown][]) {
    const names = [...above, name];
    if (isTable(value)) yield* leaves(value, names);
    else yield { path: names.join('.'), value };
  }
}

function isTable(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** Where each key stands, as far as a glance at each line can tell; good enough for a message. */
function linesOfKeys(toml: string): Map<string, number> {
  const found = new Map<string, number>();
  let section = '';
  for (const [index, line] of toml.split('\n').entries()) {
    const header = /^\s*\[\s*([^[\]]+?)\s*\]/.exec(line)?.[1];
    const key = /^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=/.exec(line)?.[1];
    if (header !== undefined) section = `${bare(header)}.`;
    else if (key !== undefined) found.set(section + bare(key), index + 1);
  }
  return found;
}

function bare(name: string): string {
  return name.replaceAll(/["'\s]/g, '');
}
