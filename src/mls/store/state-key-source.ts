import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { copyBytes } from '../../base/bytes.ts';
import { RuntimeError } from '../../base/errors.ts';
import { checkStateKey, parseStateKey, STATE_KEY_LENGTH } from './state-key.ts';
import type { StateKey } from './state-key.ts';
import { stateKeyWrong } from './store-errors.ts';

/** The environment variable that {@link findStateKey} reads. */
const VARIABLE = 'SKYTALE_STATE_KEY';

/** More than any form of a key takes, with room for a line end. */
const MAX_FILE_BYTES = 256;

/** Read or written by everybody, or written by the group. Reading by the group is how container platforms hand out secrets. */
const TOO_OPEN = 0o027;

const isWindows = process.platform === 'win32';

/** Where a state key may come from. At most one of the two. */
export interface StateKeyOptions {
  /** 32 bytes, or a passphrase. */
  readonly stateKey?: StateKey | undefined;
  /** Path of a file with the 32 bytes, as they are, in hexadecimal or in base64. Refused if everybody can read it. */
  readonly stateKeyFile?: string | undefined;
}

/**
 * The state key that an agent is to use: the option, or the file, or the environment variable `SKYTALE_STATE_KEY` (in
 * hexadecimal or base64), or `undefined` where none of them is given. The only place that reads that variable.
 *
 * @throws {@link RuntimeError} `invalid_argument` for a bad option, `state_key_wrong` for a file or variable that is no
 * key, or a file that is not there or open to others
 */
export function findStateKey(
  { stateKey, stateKeyFile }: StateKeyOptions,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): StateKey | undefined {
  if (stateKey !== undefined && stateKeyFile !== undefined) {
    throw new RuntimeError('invalid_argument', 'Expected one of `stateKey` and `stateKeyFile`, got both.');
  }
  if (stateKey !== undefined) {
    const checked = checkStateKey('stateKey', stateKey);
    // The caller may wipe what it handed in.
    return checked instanceof Uint8Array ? copyBytes(checked) : checked;
  }
  if (stateKeyFile !== undefined) return readStateKeyFile(stateKeyFile);
  const text = environment[VARIABLE];
  // Set and empty is how scripts unset what they inherit.
  if (text === undefined || text === '') return undefined;
  const key = parseStateKey(text);
  if (key === undefined) throw stateKeyWrong(`the environment variable ${VARIABLE} is not ${FORMS}`);
  return key;
}

const FORMS = `${STATE_KEY_LENGTH} bytes in hexadecimal (64 digits) or base64 (44 characters)`;

/** Reads a key file; see {@link StateKeyOptions.stateKeyFile}. */
function readStateKeyFile(path: string): Uint8Array {
  const content = readPrivately(path);
  // First the text forms: 32 raw bytes are never as long.
  const key = content.length === STATE_KEY_LENGTH ? content : parseStateKey(Buffer.from(content).toString('latin1'));
  if (key === undefined) {
    throw stateKeyWrong(`the key file ${path} does not hold a key: ${STATE_KEY_LENGTH} raw bytes, or ${FORMS}`);
  }
  return key;
}

function readPrivately(path: string): Uint8Array {
  let file: number | undefined;
  try {
    // Without blocking: a pipe in this place must not hang the agent.
    file = openSync(path, constants.O_RDONLY | (isWindows ? 0 : constants.O_NONBLOCK));
    // What was opened, not what the path names by now.
    const stats = fstatSync(file);
    if (!stats.isFile()) throw stateKeyWrong(`the key file ${path} is no file`);
    if (!isWindows && (stats.mode & TOO_OPEN) !== 0) {
      const mode = `0${(stats.mode & 0o777).toString(8)}`;
      throw stateKeyWrong(`the key file ${path} is open to others (${mode}): take it away from them with chmod 600`);
    }
    const buffer = new Uint8Array(MAX_FILE_BYTES);
    return buffer.subarray(0, readSync(file, buffer));
  } catch (error) {
    if (error instanceof RuntimeError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw stateKeyWrong(`the key file ${path} could not be read (${code})`, error);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
