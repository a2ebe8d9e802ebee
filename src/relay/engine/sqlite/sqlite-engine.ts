import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { Subject } from 'rxjs';
import type { Observable } from 'rxjs';
import type { ChannelName } from '../../../base/channel-name.ts';
import type { Clock } from '../../../base/clock.ts';
import { RuntimeError } from '../../../base/errors.ts';
import type { PublishAnswer } from '../../../transport/index.ts';
import type { AccountId } from '../../access/principal.ts';
import type {
  Access,
  AccessChange,
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
import { DEFAULT_LOG_RULES, refused } from '../log-rules.ts';
import type { LogRules } from '../log-rules.ts';
import { packBatch, requestBytes, unpackAnswers } from './append-batch.ts';
import { WorkerLink } from './worker-link.ts';

/** How {@link openSqliteEngine} opens a log. */
export interface SqliteEngineOptions {
  /** Directory of the log; created (mode 0700) if it is not there. One engine at a time. */
  readonly dataDir: string;
  /** Stamps entries. */
  readonly clock: Clock;
  readonly rules?: Partial<LogRules>;
  /** Size that the database may reach on disk. Beyond it, appends are `unavailable` until retention has made room. */
  readonly maxBytes?: number;
  /** Told what was refused because the store failed. */
  readonly onStoreError?: (error: RuntimeError) => void;
}

/** Batches at the worker at once: one that is written and one that is ready, so that the disk never waits for us. */
const MAX_BATCHES_IN_FLIGHT = 2;
/** One transaction takes no more than this, or one request. */
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
/** Requests that wait for the disk; beyond that they are answered `unavailable`. */
const MAX_QUEUED_BYTES = 64 * 1024 * 1024;

/**
 * The embedded log: one SQLite file in WAL mode, flushed to disk (`synchronous=FULL`) before anything is acknowledged,
 * owned by one worker thread. All that is submitted while a transaction runs goes into the next one (group commit).
 *
 * @throws {@link RuntimeError} `data_dir_in_use`, `data_dir_version`, `store_damaged` or `store_error`
 */
export async function openSqliteEngine(options: SqliteEngineOptions): Promise<LogEngine> {
  const path = join(options.dataDir, 'relay.db');
  try {
    await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
    // SQLite gives its side files the mode of the database.
    await (await open(path, 'a', 0o600)).close();
  } catch (cause) {
    throw new RuntimeError('store_error', 'the data directory of the relay cannot be written', { cause });
  }
  const appended$ = new Subject<Appended>();
  const rules = { ...DEFAULT_LOG_RULES, ...options.rules };
  const link = await WorkerLink.open({ path, maxBytes: options.maxBytes, rules }, (error) => appended$.error(error));
  return new SqliteEngine(link, appended$, options);
}

interface Waiting {
  readonly request: AppendRequest;
  readonly bytes: number;
  readonly resolve: (answers: readonly PublishAnswer[]) => void;
}

class SqliteEngine implements LogEngine {
  readonly appended$: Observable<Appended>;
  readonly #appended: Subject<Appended>;
  readonly #link: WorkerLink;
  readonly #clock: Clock;
  readonly #onStoreError: (error: RuntimeError) => void;
  readonly #queue: Waiting[] = [];
  #queuedBytes = 0;
  #batchesInFlight = 0;
  #isFlushPlanned = false;
  #idle: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(link: WorkerLink, appended: Subject<Appended>, { clock, onStoreError }: SqliteEngineOptions) {
    this.#link = link;
    this.#appended = appended;
    this.appended$ = appended.asObservable();
    this.#clock = clock;
    this.#onStoreError = onStoreError ?? (() => undefined);
  }

  readonly accessChanges$: Observable<AccessChange> = new Subject<AccessChange>().asObservable();

  access(): Promise<Access> {
    return Promise.resolve('unclaimed');
  }

  admit(): Promise<boolean> {
    return Promise.resolve(false);
  }

  expel(): Promise<boolean> {
    return Promise.resolve(false);
  }

  usage(_account: AccountId, monthStartMs: number): Promise<Usage> {
    return Promise.resolve({ monthStartMs, messages: 0 });
  }

  health(): Promise<EngineHealth> {
    return Promise.resolve({ engine: 'sqlite', status: 'ok', durability: 'disk', warnings: [], details: {} });
  }

  async append(request: AppendRequest): Promise<AppendOutcome> {
    return { answers: await this.#append(request) };
  }

  #append(request: AppendRequest): Promise<readonly PublishAnswer[]> {
    if (this.#closing !== undefined) return Promise.resolve(unavailable(request, 'the relay is shutting down'));
    const bytes = requestBytes(request);
    if (this.#queuedBytes + bytes > MAX_QUEUED_BYTES) {
      return Promise.resolve(unavailable(request, 'too much waits for the disk already'));
    }
    this.#queuedBytes += bytes;
    return new Promise((resolve) => {
      this.#queue.push({ request, bytes, resolve });
      this.#planFlush();
    });
  }

  read(channel: ChannelName, afterSeq: number, limit: PageLimit): Promise<LogPage> {
    return this.#link.call('read', [channel, afterSeq, limit]);
  }

  state(channel: ChannelName): Promise<ChannelState | undefined> {
    return this.#link.call('state', [channel]);
  }

  commitSeq(channel: ChannelName, epoch: bigint): Promise<number | undefined> {
    return this.#link.call('commitSeq', [channel, epoch]);
  }

  welcome(keyPackageRef: Uint8Array): Promise<StoredWelcome | undefined> {
    return this.#link.call('welcome', [keyPackageRef]);
  }

  trim(channel: ChannelName, upToSeq: number): Promise<number> {
    return inSlices(() => this.#link.call('trimSlice', [channel, upToSeq]));
  }

  trimStoredBefore(timeMs: number): Promise<number> {
    return inSlices(() => this.#link.call('trimStoredBeforeSlice', [timeMs]));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#queue.length > 0 || this.#batchesInFlight > 0) {
      await new Promise<void>((resolve) => (this.#idle = resolve));
    }
    await this.#link.close();
    this.#appended.complete();
  }

  /** At the end of the loop's turn, so that all frames that one read of the sockets brought share a batch. */
  #planFlush(): void {
    if (this.#isFlushPlanned || this.#batchesInFlight >= MAX_BATCHES_IN_FLIGHT) return;
    this.#isFlushPlanned = true;
    setImmediate(() => {
      this.#isFlushPlanned = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#queue.length > 0 && this.#batchesInFlight < MAX_BATCHES_IN_FLIGHT) {
      void this.#write(this.#takeBatch());
    }
    if (this.#queue.length === 0 && this.#batchesInFlight === 0) this.#idle?.();
  }

  #takeBatch(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const waiting of this.#queue) {
      bytes += waiting.bytes;
      if (count > 0 && bytes > MAX_BATCH_BYTES) break;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  async #write(batch: readonly Waiting[]): Promise<void> {
    this.#batchesInFlight += 1;
    try {
      const packed = packBatch(batch.map(({ request }) => request));
      const outcome = await this.#link.call('append', [packed, this.#clock.now()], [packed.bytes]);
      // Answers settle in microtasks, after this: who is told that an entry is stored may rely on its being announced.
      batch.forEach(({ resolve }, index) => resolve(unpackAnswers(outcome.answers[index] ?? [])));
      for (const appended of outcome.appended) this.#appended.next(appended);
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error;
      this.#onStoreError(error);
      for (const { request, resolve } of batch) resolve(unavailable(request, 'the log cannot be written just now'));
    } finally {
      this.#batchesInFlight -= 1;
      for (const { bytes } of batch) this.#queuedBytes -= bytes;
      this.#flush();
    }
  }
}

/** One slice after the other, so that appends get their turn in between. */
async function inSlices(slice: () => Promise<number>): Promise<number> {
  let total = 0;
  for (let count = await slice(); count > 0; count = await slice()) total += count;
  return total;
}

function unavailable({ submissions }: AppendRequest, detail: string): readonly PublishAnswer[] {
  return submissions.map(() => refused('unavailable', detail, 0n));
}
