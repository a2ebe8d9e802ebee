import { readFile } from 'node:fs/promises';
import { RuntimeError } from '../../base/errors.ts';
import type { StateKey } from '../../mls/index.ts';
import { TapeCipher } from './tape-cipher.ts';
import { tapeDamaged } from './tape-errors.ts';
import { TAPE_VERSION, type TapeHeader, type TapeMode, type TapeRecord } from './tape-record.ts';

/** What was recorded. */
export interface Tape {
  readonly header: TapeHeader;
  readonly records: readonly TapeRecord[];
  /** Whether the end is missing: the process that recorded was killed. */
  readonly isCut: boolean;
}

const MODES: ReadonlySet<string> = new Set<TapeMode>(['plaintext', 'wire', 'system']);

/** Where a tape comes from: a file by its path, or the text of one. */
export type TapeSource = string | { readonly text: string };

/**
 * Reads a tape. A last line that was not written to its end is left out.
 *
 * @throws {@link RuntimeError} `tape_damaged` if it is no tape, or was changed; `tape_version` if a newer version of the package
 * wrote it; `state_key_wrong` if `key` is missing or wrong. SystemError if the file cannot be read.
 *
 * @param key of an encrypted tape
 */
export async function readTape(source: TapeSource, key?: StateKey): Promise<Tape> {
  const text = typeof source === 'string' ? await readFile(source, 'utf8') : source.text;
  const lines = text.split('\n');
  // Behind the last line feed there is nothing, or a line that was not written to its end.
  lines.pop();
  const header = readHeader(lines[0]);
  const cipher = header.protection === undefined ? undefined : await TapeCipher.open(header.protection, key);
  const records = lines.slice(1).map((line, index) => readRecord(line, index + 1, cipher));
  return { header, records, isCut: records.at(-1)?.kind !== 'end' };
}

function readHeader(line: string | undefined): TapeHeader {
  if (line === undefined) throw tapeDamaged('is empty');
  const header = parse(line, 0) as Partial<TapeHeader>;
  if (header.format !== 'skytale-tape' || typeof header.version !== 'number')
    throw tapeDamaged('is none: its first line is no header');
  if (header.version > TAPE_VERSION) {
    const detail = `the tape is of version ${header.version}, and this package reads versions up to ${TAPE_VERSION}: update it`;
    throw new RuntimeError('tape_version', detail);
  }
  if (header.mode === undefined || !MODES.has(header.mode)) throw tapeDamaged('has a header without a mode');
  return header as TapeHeader;
}

function readRecord(line: string, n: number, cipher: TapeCipher | undefined): TapeRecord {
  const plain = cipher === undefined ? line : cipher.open(n, line);
  if (plain === undefined) {
    // The first line tells whether it is the key.
    if (n === 1) throw new RuntimeError('state_key_wrong', 'the tape is encrypted under another key');
    throw tapeDamaged(`was changed in line ${n + 1}, or is not whole`);
  }
  const [number, atMs, kind, value = null] = parse(plain, n) as [
    number,
    number,
    TapeRecord['kind'],
    TapeRecord['value']?,
  ];
  if (number !== n) throw tapeDamaged(`has record ${number} where record ${n} should be`);
  return { n, atMs, kind, value };
}

function parse(line: string, n: number): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw tapeDamaged(`has no JSON in line ${n + 1}`, { cause });
  }
}
