import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { toHex } from '../../../src/base/bytes.ts';
import type { ChannelName } from '../../../src/base/channel-name.ts';
import { RuntimeError } from '../../../src/base/errors.ts';
import type { LogEntry, Submission } from '../../../src/transport/index.ts';
import { DEFAULT_LOG_RULES } from '../../../src/relay/engine/log-rules.ts';
import { openLog } from '../../../src/relay/engine/sqlite/open-log.ts';
import type { LogSetup, OpenedLog } from '../../../src/relay/engine/sqlite/open-log.ts';
import type { SqliteLog } from '../../../src/relay/engine/sqlite/sqlite-log.ts';
import { freshChannelName } from '../engine/suite.ts';
import { PAGE, seqsOf } from '../engine/test-channel.ts';
import { entriesOf } from './runs.ts';
import { GROUP } from './submissions.ts';
import { temporaryDirectory } from './temp-dir.ts';

const NOW_MS = 1_000_000;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Opens the log in a directory, in this thread. */
export function openLogIn(directory: string, options: Partial<LogSetup> = {}): OpenedLog {
  return openLog({
    path: join(directory, 'relay.db'),
    marksPath: join(directory, 'relay.marks'),
    rules: DEFAULT_LOG_RULES,
    maxBytes: undefined,
    maxCheckedBytes: 2 ** 30,
    acceptLoss: false,
    nowMs: NOW_MS,
    ...options,
  });
}

/**
 * Lets go of databases that were closed in this thread: the driver holds the file's lock as long as there is a statement that
 * nobody has collected. A relay does not meet this, because its database has a thread of its own, which ends.
 */
export async function release(): Promise<void> {
  collectGarbage();
  await setImmediate();
}

/** Closes a log, so that it can be opened again. */
export async function closeLog(log: SqliteLog): Promise<void> {
  log.close();
  await release();
}

/** Three channels, and what was acknowledged in each. */
export class Acknowledged {
  readonly channels: readonly [ChannelName, ChannelName, ChannelName];
  readonly #ids = new Map<string, Map<number, string>>();

  constructor(channels: Acknowledged['channels'] = [freshChannelName(), freshChannelName(), freshChannelName()]) {
    this.channels = channels;
  }

  /** Another account of the same, for a copy of the same files. */
  copy(): Acknowledged {
    const copy = new Acknowledged(this.channels);
    for (const [name, ids] of this.#ids) copy.#ids.set(name, new Map(ids));
    return copy;
  }

  /** Stores submissions in one of the channels. */
  append(log: SqliteLog, channel: number, submissions: readonly Submission[]): number[] {
    const name = this.channels[channel] ?? this.channels[0];
    const [outcome] = log.append([{ channel: name, group: GROUP, submissions }], NOW_MS).outcomes;
    const seqs = seqsOf(outcome?.answers ?? []);
    const ids = this.#ids.get(name) ?? new Map<number, string>();
    seqs.forEach((seq, index) => {
      const id = toHex(submissions[index]?.messageId ?? new Uint8Array());
      if ((ids.get(seq) ?? id) !== id) throw new Error(`number ${seq} was given twice`);
      ids.set(seq, id);
    });
    this.#ids.set(name, ids);
    return seqs;
  }

  /** What reading from the beginning gives; a gap is an entry of its own. Throws what reading throws. */
  read(log: SqliteLog, channel: number, afterSeq = 0): (LogEntry | { readonly gapTo: number })[] {
    const name = this.channels[channel] ?? this.channels[0];
    const found: (LogEntry | { readonly gapTo: number })[] = [];
    for (let position = afterSeq; ; ) {
      const { run, resumesAtSeq, headSeq } = log.read(name, position, PAGE);
      if (resumesAtSeq !== undefined) {
        found.push({ gapTo: resumesAtSeq });
        position = resumesAtSeq - 1;
      }
      const entries = entriesOf(run);
      for (const entry of entries) {
        if (entry.prevSeq !== position) throw new Error(`entry ${entry.seq} does not follow ${position}`);
        position = entry.seq;
      }
      found.push(...entries);
      if (position >= headSeq) return found;
    }
  }

  /** What is wrong with a log: acknowledged entries that are missing without a word, and others than were acknowledged. */
  missingFrom(log: SqliteLog): string[] {
    return this.channels.flatMap((name, channel) => {
      const read = new Map<number, string>();
      let gaps = 0;
      for (const item of this.read(log, channel)) {
        if ('gapTo' in item) gaps += 1;
        else read.set(item.seq, toHex(item.messageId));
      }
      const missing = [...(this.#ids.get(name) ?? [])].filter(([seq, id]) => read.get(seq) !== id);
      return gaps > 0 ? [`channel ${channel}: gap`] : missing.map(([seq]) => `channel ${channel}: ${seq}`);
    });
  }
}

/**
 * What opening a damaged log came to: nothing is missing, or the code of the refusal, at the start or while reading. To open the
 * same directory again takes a {@link release}.
 */
export function outcomeOf(directory: string, acknowledged: Acknowledged): string {
  let log: SqliteLog | undefined;
  try {
    log = openLogIn(directory).log;
    const missing = acknowledged.missingFrom(log);
    return missing.length === 0 ? 'intact' : `silently lost: ${missing.join(', ')}`;
  } catch (error) {
    const place = log === undefined ? '' : 'reading: ';
    if (error instanceof RuntimeError) return `${place}${error.code}`;
    if (log?.isDamage(error) === true) return `${place}store_damaged`;
    throw error;
  } finally {
    log?.close();
  }
}

/** The refusal of a log that must not be opened. */
export async function refusalOf(directory: string): Promise<RuntimeError> {
  try {
    openLogIn(directory).log.close();
  } catch (error) {
    if (error instanceof RuntimeError) return error;
    throw error;
  } finally {
    await release();
  }
  throw new Error('the log was opened');
}

/** The files of a log as they lie on the disk at this moment: what a process that is killed now leaves behind. */
export async function crashImage(directory: string): Promise<string> {
  const image = await temporaryDirectory();
  await copyLog(directory, image);
  return image;
}

/** Makes `to` the same as `from`. */
export async function copyLog(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await cp(from, to, { recursive: true });
}
