import { randomInt } from 'node:crypto';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readLines } from './chat.ts';
import { MIN_LINES } from './kill-plan.ts';

export interface DemoOptions {
  readonly inputPath: string;
  /** Where everything is kept and stays; `undefined` for a temporary directory. */
  readonly dataDir: string | undefined;
  readonly seed: number;
  readonly isPlain: boolean;
  readonly isJson: boolean;
}

export const USAGE: string = `Usage: npm start -- [options]

Three agents share an end-to-end encrypted channel while its relay and one of them are killed.

  --input FILE     text that alice sends line by line, at least ${MIN_LINES} lines (default: README.md of the package)
  --data-dir DIR   keep everything in this directory, which must be empty or not be there (default: a temporary one)
  --seed N         decides at which lines something is killed (default: a random one)
  --plain          no colour, no cursor movement
  --json           print the report as one JSON object on the last line
  --help           print this
`;

/** The arguments are of no use. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Reads the command line; `undefined` if it asks for help. @throws {@link UsageError} */
export function readOptions(args: readonly string[]): DemoOptions | undefined {
  const values = parse(args);
  if (values.help) return undefined;
  return {
    inputPath: readableText(values.input),
    dataDir: values['data-dir'] === undefined ? undefined : emptyDirectory(values['data-dir']),
    seed: values.seed === undefined ? randomInt(2 ** 32) : wholeNumber(values.seed),
    isPlain: values.plain || !process.stdout.isTTY || (process.env['NO_COLOR'] ?? '') !== '',
    isJson: values.json,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        input: { type: 'string' },
        'data-dir': { type: 'string' },
        seed: { type: 'string' },
        plain: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}

/** npm runs its scripts in the package's directory and tells where the user stands. */
function fromUser(path: string): string {
  return resolve(process.env['INIT_CWD'] ?? '.', path);
}

function readableText(path: string | undefined): string {
  const inputPath = path === undefined ? fileURLToPath(new URL('../../README.md', import.meta.url)) : fromUser(path);
  if (!existsSync(inputPath) || !statSync(inputPath).isFile()) {
    throw new UsageError(`Expected --input to be a text file, and ${inputPath} is none.`);
  }
  const { length } = readLines(inputPath);
  if (length >= MIN_LINES) return inputPath;
  throw new UsageError(`Expected --input to have at least ${MIN_LINES} lines, got ${length}.`);
}

function emptyDirectory(path: string): string {
  const directory = fromUser(path);
  if (!existsSync(directory)) return directory;
  if (statSync(directory).isDirectory() && readdirSync(directory).length === 0) return directory;
  throw new UsageError(`Expected --data-dir to be empty or not to be there: ${directory}`);
}

function wholeNumber(text: string): number {
  const seed = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (seed < 2 ** 32) return seed;
  throw new UsageError(`Expected --seed to be a whole number from 0 to ${2 ** 32 - 1}, got ${text}.`);
}
