import { toHex } from '../../../base/bytes.ts';
import type { Clock } from '../../../base/clock.ts';
import { RuntimeError, toSkytaleError } from '../../../base/errors.ts';
import type { LogRecord } from './log-record.ts';
import type { NatsLink } from './nats-link.ts';
import { decodeRecord } from './record-codec.ts';
import { ShardFold } from './shard-fold.ts';
import type { Folded } from './shard-fold.ts';
import type { SnapshotStore } from './snapshot-store.ts';
import { Tail } from './tail.ts';

/** Who is told what a shard reads. */
export interface ShardListener {
  folded(record: LogRecord, folded: Folded): void;
  warned(message: string): void;
  failed(error: RuntimeError): void;
}

/** What a shard is opened with. */
export interface ShardContext {
  readonly index: number;
  readonly stream: string;
  readonly link: NatsLink;
  readonly clock: Clock;
  readonly snapshots: SnapshotStore;
  readonly idWindow: number;
  /** Messages that the server may send ahead. */
  readonly ahead: number;
  readonly listener: ShardListener;
}

/** How long reading up to the end of the stream may take before the caller is told that it cannot. */
const SYNC_TIMEOUT_MS = 5000;
/** A consumer that delivers nothing for so long, although there is something, will not. */
const DELIVERY_PATIENCE_MS = 1000;

interface Waiting {
  readonly position: number;
  readonly resolve: () => void;
}

/** One stream of the log as this relay knows it: its state, which follows the stream. */
export class Shard {
  readonly index: number;
  readonly stream: string;
  readonly #context: ShardContext;
  #fold: ShardFold;
  #tail: Tail | undefined;
  /** The last record of the latest snapshot that is known. */
  snapshotRecord = 0;
  /** Who waits for a record of its own to be read. */
  readonly #expected = new Map<string, (folded: Folded) => void>();
  readonly #waiting = new Set<Waiting>();
  #sync: Promise<void> | undefined;
  #nextSync: Promise<void> | undefined;
  #failure: RuntimeError | undefined;

  private constructor(context: ShardContext) {
    this.index = context.index;
    this.stream = context.stream;
    this.#context = context;
    this.#fold = new ShardFold(context.idWindow);
  }

  /** Reads the latest snapshot and what came after it. @throws {@link RuntimeError} `store_damaged`, `store_error` */
  static async open(context: ShardContext): Promise<Shard> {
    const shard = new Shard(context);
    const snapshot = await context.snapshots.load(context.index);
    if (snapshot !== undefined) {
      shard.#fold = ShardFold.decode(snapshot.bytes, context.idWindow);
      shard.snapshotRecord = snapshot.record;
    }
    shard.#tail = shard.#startTail();
    try {
      await shard.sync(Number.MAX_SAFE_INTEGER);
    } catch (error) {
      await shard.close();
      throw error;
    }
    return shard;
  }

  /** The state, as far as the stream was read. Changes as it is read. */
  get fold(): ShardFold {
    return this.#fold;
  }

  /** Resolves with what a record has done, once it was read. To be called before it is written. */
  expect(id: Uint8Array): { readonly folded: Promise<Folded>; readonly cancel: () => void } {
    const key = toHex(id);
    const folded = new Promise<Folded>((resolve) => this.#expected.set(key, resolve));
    return { folded, cancel: () => this.#expected.delete(key) };
  }

  /** Resolves once everything was read that was in the stream when this was called. */
  sync(timeoutMs: number = SYNC_TIMEOUT_MS): Promise<void> {
    if (this.#sync === undefined) {
      this.#sync = this.#readToEnd(timeoutMs).finally(() => (this.#sync = undefined));
      return this.#sync;
    }
    // The one under way may have looked before this call was made; one more serves all who come meanwhile.
    this.#nextSync ??= this.#sync
      .catch(() => undefined) // told to those who asked for it
      .then(() => {
        this.#nextSync = undefined;
        return this.sync(timeoutMs);
      });
    return this.#nextSync;
  }

  /** Resolves once `position` was read; a consumer that does not bring it is replaced. */
  async reached(position: number, timeoutMs: number = SYNC_TIMEOUT_MS): Promise<void> {
    if (this.#fold.lastRecord >= position) return;
    const { clock } = this.#context;
    await new Promise<void>((resolve, reject) => {
      const end = (): void => {
        this.#waiting.delete(waiting);
        cancelPatience();
        cancelTimeout();
      };
      const waiting = {
        position,
        resolve: () => {
          end();
          if (this.#failure === undefined) resolve();
          else reject(this.#failure);
        },
      };
      let cancelPatience: () => void;
      const watch = (): void => {
        const seen = this.#fold.lastRecord;
        cancelPatience = clock.schedule(DELIVERY_PATIENCE_MS, () => {
          if (this.#fold.lastRecord === seen) this.#tail?.restart('nothing was delivered');
          watch();
        });
      };
      watch();
      const cancelTimeout =
        timeoutMs === Number.MAX_SAFE_INTEGER
          ? (): void => undefined
          : clock.schedule(timeoutMs, () => {
              end();
              reject(new RuntimeError('store_error', 'the log cannot be read up to its end just now'));
            });
      this.#waiting.add(waiting);
    });
  }

  /** Writes the state down, if that makes it newer by at least `minRecords`: other relays write it too. */
  async saveSnapshot(minRecords = 1): Promise<void> {
    const { snapshots } = this.#context;
    if (this.#fold.lastRecord - this.snapshotRecord < minRecords) return;
    this.snapshotRecord = Math.max(this.snapshotRecord, await snapshots.lastRecord(this.index));
    const record = this.#fold.lastRecord;
    if (record - this.snapshotRecord < minRecords) return;
    const bytes = this.#fold.encode();
    this.snapshotRecord = Math.max(this.snapshotRecord, await snapshots.save(this.index, { record, bytes }));
  }

  /** Stops reading. Who waits is told that it is over. */
  async close(): Promise<void> {
    this.#failure ??= closed();
    for (const { resolve } of [...this.#waiting]) resolve();
    await this.#tail?.close();
  }

  async #readToEnd(timeoutMs: number): Promise<void> {
    const { link } = this.#context;
    if (this.#failure !== undefined) throw this.#failure;
    if (!link.isUp) throw new RuntimeError('store_error', 'there is no connection to nats-server');
    let last: number;
    try {
      last = (await link.manager.streams.info(this.stream)).state.last_seq;
    } catch (cause) {
      throw new RuntimeError('store_error', 'nats-server does not answer for the log just now', { cause });
    }
    await this.reached(last, timeoutMs);
  }

  #startTail(): Tail {
    const { link, clock, ahead, snapshots, listener } = this.#context;
    return new Tail(link, this.stream, clock, ahead, {
      position: () => this.#fold.lastRecord,
      take: (position, serverMs, subject, data) => this.#take(position, serverMs, subject, data),
      skip: (next) => {
        listener.warned(`${this.stream} has nothing from ${this.#fold.lastRecord + 1} to ${next - 1}`);
        this.#moved(next - 1);
      },
      snapshotPosition: () => snapshots.lastRecord(this.index),
      failed: (error) => {
        this.#failure = error;
        for (const { resolve } of [...this.#waiting]) resolve();
        listener.failed(error);
      },
      restarted: (reason) => listener.warned(`reading ${this.stream} begins again: ${reason}`),
    });
  }

  #take(position: number, serverMs: number, subject: string, data: Uint8Array): void {
    // Pieces of Welcomes say nothing by themselves.
    if (!subject.endsWith('.w')) {
      const record = this.#decode(position, data);
      const folded = this.#fold.apply(position, serverMs, record);
      this.#context.listener.folded(record, folded);
      const key = toHex(record.id);
      const settle = this.#expected.get(key);
      if (settle !== undefined) {
        this.#expected.delete(key);
        settle(folded);
      }
    }
    this.#moved(position);
  }

  #decode(position: number, data: Uint8Array): LogRecord {
    try {
      return decodeRecord(data);
    } catch (cause) {
      const { code } = toSkytaleError(cause);
      const detail = `message ${position} of ${this.stream} cannot be read; if no relay wrote it, delete it there`;
      throw new RuntimeError(code === 'data_dir_version' ? code : 'store_damaged', detail, { cause });
    }
  }

  #moved(position: number): void {
    this.#fold.lastRecord = position;
    for (const { position: awaited, resolve } of this.#waiting) if (awaited <= position) resolve();
  }
}

function closed(): RuntimeError {
  return new RuntimeError('store_error', 'the log is closed');
}
