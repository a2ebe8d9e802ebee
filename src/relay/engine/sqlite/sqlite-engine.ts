import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { Subject } from 'rxjs';
import type { Observable } from 'rxjs';
import type { ChannelName } from '../../../base/channel-name.ts';
import type { Clock } from '../../../base/clock.ts';
import { RuntimeError } from '../../../base/errors.ts';
import type { AccountId } from '../../access/principal.ts';
import type {
  Access,
  AccessChange,
  Announcement,
  Appended,
  AppendOutcome,
  AppendRequest,
  ChannelState,
  EngineHealth,
  LogEngine,
  LogPage,
  PageLimit,
  StoredWelcome,
  Usage,
} from '../log-engine.ts';
import { DEFAULT_LOG_RULES } from '../log-rules.ts';
import type { LogRules } from '../log-rules.ts';
import { packBatch, unpackAnswers } from './append-batch.ts';
import { AppendQueue } from './append-queue.ts';
import { MarkFlusher } from './mark-flusher.ts';
import { unpackRuns } from './packed-runs.ts';
import { healthOf } from './sqlite-health.ts';
import type { AccessOutcome } from './sqlite-log.ts';
import { WorkerLink } from './worker-link.ts';
import type { WorkerReady } from './worker-protocol.ts';

/** How {@link openSqliteEngine} opens a log. */
export interface SqliteEngineOptions {
  /** Directory of the log; created (mode 0700) if it is not there. One engine at a time. */
  readonly dataDir: string;
  /** Stamps entries. */
  readonly clock: Clock;
  readonly rules?: Partial<LogRules>;
  /** Size that the log may reach on disk. Beyond it, appends are `unavailable` until retention has made room. */
  readonly maxBytes?: number;
  /** The structure of the database is checked at the start if it is no larger than this. Default 256 MiB. */
  readonly maxCheckedBytes?: number;
  /**
   * Go on although acknowledged entries are missing, which otherwise is `store_damaged`. Channels that may be concerned go on
   * above the numbers that were given, and readers get a gap. Default `false`.
   */
  readonly acceptLoss?: boolean;
  /** Told what was refused because the store failed. */
  readonly onStoreError?: (error: RuntimeError) => void;
}

/** Takes about half a second. */
const MAX_CHECKED_BYTES = 256 * 1024 * 1024;
/** Ids of entries that are gone stay in the index, where nobody asks for them, until there are so many. */
const MIN_SWEPT_IDS = 50_000;
/** Of those at most. */
const MAX_SPARES = 8;
/** Twice what a page has that is not one large entry. */
const MAX_SPARE_BYTES = 512 * 1024;
/** What has to fit before a log that was full counts as one that can be written. */
const PROBE_BYTES = 64 * 1024;

/**
 * The embedded log: one SQLite file in WAL mode, flushed to disk (`synchronous=FULL`) before anything is acknowledged,
 * owned by one worker thread. All that is submitted while a transaction runs goes into the next one (group commit).
 *
 * Beside it lie `relay.entries.<n>`, the bytes of large appends, flushed before the transaction that names them is committed,
 * see {@link SegmentFiles}, and `relay.marks`, which says how far acknowledged writes went, see {@link HighWaterMarks}. A log that holds
 * less is refused: after a crash of the process always, after a crash of the machine for all that is older than a second.
 *
 * @throws {@link RuntimeError} `data_dir_in_use`, `data_dir_version`, `store_damaged` or `store_error`
 */
export async function openSqliteEngine(options: SqliteEngineOptions): Promise<LogEngine> {
  const { dataDir, clock, maxBytes, maxCheckedBytes = MAX_CHECKED_BYTES, acceptLoss = false } = options;
  const path = join(dataDir, 'relay.db');
  const marksPath = join(dataDir, 'relay.marks');
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    // SQLite gives its side files the mode of the database.
    await (await open(path, 'a', 0o600)).close();
  } catch (cause) {
    throw new RuntimeError('store_error', 'the data directory of the relay cannot be written', { cause });
  }
  const rules = { ...DEFAULT_LOG_RULES, ...options.rules };
  const outlets: Outlets = { appended: new Subject(), accessChanges: new Subject(), announcements: new Subject() };
  const { link, ready } = await WorkerLink.open(
    { path, marksPath, rules, maxBytes, maxCheckedBytes, acceptLoss, nowMs: clock.now() },
    (error) => {
      outlets.announcements.error(error);
      outlets.accessChanges.error(error);
      outlets.appended.error(error);
    },
  );
  const flusher = await MarkFlusher.open(marksPath, clock).catch(async (cause: unknown) => {
    await link.close();
    throw new RuntimeError('store_error', 'the high-water marks of the log cannot be written', { cause });
  });
  return new SqliteEngine(link, ready, flusher, outlets, path, options);
}

interface Outlets {
  readonly appended: Subject<Appended>;
  readonly accessChanges: Subject<AccessChange>;
  readonly announcements: Subject<Announcement>;
}

class SqliteEngine implements LogEngine {
  readonly appended$: Observable<Appended>;
  readonly accessChanges$: Observable<AccessChange>;
  readonly announcements$: Observable<Announcement>;
  readonly #outlets: Outlets;
  readonly #link: WorkerLink;
  readonly #ready: WorkerReady;
  readonly #flusher: MarkFlusher;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #onStoreError: (error: RuntimeError) => void;
  readonly #queue = new AppendQueue((requests) => this.#write(requests));
  /** Why the last append was not stored. */
  #appendFailure: RuntimeError | undefined;
  #failedBatches = 0;
  #lastCommitMs = 0;
  /** Buffers that have come back, of a batch and of runs: one of each, however many were under way at once. */
  #spareForBatch: ArrayBuffer | undefined;
  #spareForRuns: ArrayBuffer | undefined;
  /** The same of pages, of which more are under way: one for each reader that catches up. */
  readonly #sparesForPages: ArrayBuffer[] = [];
  #unsweptIds = 0;
  #closing: Promise<void> | undefined;

  constructor(
    link: WorkerLink,
    ready: WorkerReady,
    flusher: MarkFlusher,
    outlets: Outlets,
    path: string,
    { clock, onStoreError }: SqliteEngineOptions,
  ) {
    this.#link = link;
    this.#ready = ready;
    this.#flusher = flusher;
    this.#outlets = outlets;
    this.appended$ = outlets.appended.asObservable();
    this.accessChanges$ = outlets.accessChanges.asObservable();
    this.announcements$ = outlets.announcements.asObservable();
    this.#path = path;
    this.#clock = clock;
    this.#onStoreError = onStoreError ?? (() => undefined);
  }

  append(request: AppendRequest): Promise<AppendOutcome> {
    return this.#queue.push(request);
  }

  async read(channel: ChannelName, afterSeq: number, limit: PageLimit): Promise<LogPage> {
    const spare = this.#sparesForPages.pop();
    const transfer = spare === undefined ? [] : [spare];
    const page = await this.#link.call('read', [channel, afterSeq, limit, spare], transfer);
    const { run } = page;
    if (run === undefined) return page;
    const buffer = run.bytes.buffer as ArrayBuffer;
    const release = (): void => this.#keep(buffer);
    // A small frame must not hold a large buffer for as long as its reader likes.
    if (run.bytes.length < buffer.byteLength / 4) return { ...page, release };
    return { ...page, run: { ...run, headroom: run.bytes.byteOffset }, release };
  }

  state(channel: ChannelName): Promise<ChannelState | undefined> {
    return this.#link.call('state', [channel]);
  }

  commitSeq(channel: ChannelName, epoch: bigint): Promise<number | undefined> {
    return this.#link.call('commitSeq', [channel, epoch]);
  }

  async welcome(keyPackageRef: Uint8Array, account?: AccountId): Promise<StoredWelcome | 'taken' | undefined> {
    return this.#tell(await this.#link.call('welcome', [keyPackageRef, account]));
  }

  access(channel: ChannelName, account: AccountId): Promise<Access> {
    return this.#link.call('access', [channel, account]);
  }

  async admit(channel: ChannelName, account: AccountId): Promise<boolean> {
    return this.#tell(await this.#link.call('admit', [channel, account]));
  }

  async expel(channel: ChannelName, account: AccountId): Promise<boolean> {
    return this.#tell(await this.#link.call('expel', [channel, account]));
  }

  usage(account: AccountId, monthStartMs: number): Promise<Usage> {
    return this.#link.call('usage', [account, monthStartMs]);
  }

  announce(announcement: Announcement): void {
    this.#outlets.announcements.next(announcement);
  }

  health(): Promise<EngineHealth> {
    const facts = {
      path: this.#path,
      ready: this.#ready,
      isFlushFailing: this.#flusher.hasFailed,
      unansweredBytes: this.#queue.bytes,
      lastCommitMs: this.#lastCommitMs,
    };
    return healthOf(facts, async () => {
      if (this.#appendFailure !== undefined) await this.#probe();
      return this.#link.call('health', []);
    });
  }

  trim(channel: ChannelName, upToSeq: number): Promise<number> {
    return inSlices(() => this.#link.call('trimSlice', [channel, upToSeq]));
  }

  async trimStoredBefore(timeMs: number): Promise<number> {
    const entries = await inSlices(() => this.#link.call('trimStoredBeforeSlice', [timeMs]));
    this.#unsweptIds += entries;
    if (this.#unsweptIds < MIN_SWEPT_IDS) return entries;
    this.#unsweptIds = 0;
    // The whole index in its own order: to look for the ids one by one would rewrite a page for each.
    let isUnfinished = true;
    while (isUnfinished) isUnfinished = await this.#link.call('sweepIdsSlice', []);
    return entries;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#queue.close();
    await this.#flusher.close();
    await this.#link.close();
    this.#outlets.announcements.complete();
    this.#outlets.accessChanges.complete();
    this.#outlets.appended.complete();
  }

  async #write(requests: readonly AppendRequest[]): Promise<readonly AppendOutcome[] | undefined> {
    const startedMs = this.#clock.now();
    try {
      const packed = packBatch(requests, this.#spareForBatch);
      const spareForRuns = this.#spareForRuns;
      this.#spareForBatch = undefined;
      this.#spareForRuns = undefined;
      const { spare, answers, usages, appended, accessChanges } = await this.#link.call(
        'append',
        [packed, startedMs, spareForRuns, this.#failedBatches],
        [packed.bytes, packed.numbers.buffer as ArrayBuffer, ...(spareForRuns === undefined ? [] : [spareForRuns])],
      );
      this.#spareForBatch = spare;
      this.#lastCommitMs = this.#clock.now() - startedMs;
      this.#appendFailure = undefined;
      this.#flusher.plan();
      // Before the answers: who is told that an entry is stored may rely on its being announced.
      for (const change of accessChanges) this.#outlets.accessChanges.next(change);
      for (const each of unpackRuns(appended)) this.#outlets.appended.next(each);
      this.#spareForRuns = appended.bytes;
      return answers.map((each, index) => outcomeOf(unpackAnswers(each), usages[index]));
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error;
      this.#failedBatches += 1;
      this.#appendFailure = error;
      this.#onStoreError(error);
      return undefined;
    }
  }

  #keep(buffer: ArrayBuffer): void {
    const isWanted = buffer.byteLength <= MAX_SPARE_BYTES && this.#sparesForPages.length < MAX_SPARES;
    if (isWanted) this.#sparesForPages.push(buffer);
  }

  /** Looks whether the log can be written again. @throws {@link RuntimeError} `store_error` if not */
  async #probe(): Promise<void> {
    await this.#link.call('probe', [PROBE_BYTES]);
    this.#appendFailure = undefined;
  }

  #tell<Result>({ result, accessChanges }: AccessOutcome<Result>): Result {
    if (accessChanges.length > 0) this.#flusher.plan();
    for (const change of accessChanges) this.#outlets.accessChanges.next(change);
    return result;
  }
}

function outcomeOf(answers: AppendOutcome['answers'], usage: Usage | undefined): AppendOutcome {
  return usage === undefined ? { answers } : { answers, usage };
}

/** One slice after the other, so that appends get their turn in between. */
async function inSlices(slice: () => Promise<number>): Promise<number> {
  let total = 0;
  for (let count = await slice(); count > 0; count = await slice()) total += count;
  return total;
}
