import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { RuntimeError } from '../../base/errors.ts';
import type { StateKey } from '../../mls/index.ts';
import { readTape, type Tape } from '../tape/tape.ts';
import { MemorySink, type TapeSink } from '../record/tape-sink.ts';

/**
 * When a kept tape is recorded.
 *
 * - `missing`: when there is none.
 * - `update`: always, in the place of the one that there is.
 * - `lockdown`: never; one that is missing is an error.
 */
export type KeepMode = 'missing' | 'update' | 'lockdown';

/** Options of {@link keptTape}. */
export interface KeptTapeOptions {
  /** Default what the environment variable `SKYTALE_TAPES` says; without it `lockdown` where `CI` is set, and `missing` elsewhere. */
  readonly mode?: KeepMode;
  /** Of an encrypted tape. */
  readonly key?: StateKey;
}

const MODES: ReadonlySet<string> = new Set<KeepMode>(['missing', 'update', 'lockdown']);

/**
 * A tape that is kept in a file beside a test, as a snapshot is: recorded once, and read from then on.
 *
 * @param life lives what is to be recorded, into the sink; resolves when the recording has ended
 * @throws {@link RuntimeError} `invalid_argument` if there is none and none may be recorded; what {@link readTape} throws
 *
 * @example
 * const tape = await keptTape('test/tapes/crashes.tape', async (sink) => {
 *   await using system = createSystem();
 *   await record(system, sink);
 *   // What is to be recorded; the recording ends with the system.
 * });
 */
export async function keptTape(
  file: string,
  life: (sink: TapeSink) => Promise<unknown>,
  { mode = modeOfEnvironment(), key }: KeptTapeOptions = {},
): Promise<Tape> {
  if (!MODES.has(mode)) {
    throw new RuntimeError(
      'invalid_argument',
      `Expected a mode of ${[...MODES].join(', ')} for kept tapes, got ${mode}.`,
    );
  }
  const kept = mode === 'update' ? undefined : await readIfThere(file);
  if (kept !== undefined) return await readTape({ text: kept }, key);
  if (mode === 'lockdown') {
    throw new RuntimeError(
      'invalid_argument',
      `There is no tape ${file}, and none is recorded in lockdown: run the test with SKYTALE_TAPES=update, and commit it.`,
    );
  }
  const sink = new MemorySink();
  await life(sink);
  // Before it is kept: what cannot be read is not to be found there the next time.
  const tape = await readTape({ text: sink.text }, key);
  await writeWhole(file, sink.text);
  return tape;
}

function modeOfEnvironment(): KeepMode {
  const { SKYTALE_TAPES: mode, CI } = process.env;
  if (mode !== undefined && mode !== '') return mode as KeepMode;
  return CI === undefined || CI === '' || CI === 'false' ? 'missing' : 'lockdown';
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** All of it or nothing, whatever happens meanwhile. */
async function writeWhole(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const unfinished = `${file}.${process.pid}.new`;
  try {
    await writeFile(unfinished, text);
    await rename(unfinished, file);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}
