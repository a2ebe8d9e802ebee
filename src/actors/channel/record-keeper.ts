import { RuntimeError } from '../../base/errors.ts';
import { type ChannelRecord, eraseSpent } from '../../mls/index.ts';
import type { RecordStore } from './record-store.ts';

/** What follows from a record that is on disk. */
type Consequence = () => void;

/**
 * The one holder of a channel's record: what is in memory, what of it is on its way to disk, and what is there.
 *
 * Memory moves ahead while one write is under way, so that the next batch is computed meanwhile. What others may see of
 * a record, its consequences, waits until the record is on disk, and comes in order: see {@link RecordKeeper.settle}.
 * `defer` is for what a crash may undo because the log brings it again; it is written with the next write.
 * `deferShortly` is for what should share its write with other changes of the same turn.
 */
export class RecordKeeper {
  readonly #store: RecordStore;
  readonly #wake: () => void;
  readonly #looking: () => void;
  #record: ChannelRecord;
  #durable: ChannelRecord;
  #isDirty = false;
  #isUrgent = false;
  /** The write under way. Never rejects: its failure is in `#failure`. */
  #writing: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;
  /** Writes whose consequences have not run. */
  #unsettled = 0;
  /** Of records that are on disk, oldest first. */
  #due: Consequence[] = [];

  /**
   * @param record as it is in the store
   * @param wake called when a write has ended, so that somebody calls {@link RecordKeeper.settle}
   * @param looking called when somebody does
   */
  constructor(record: ChannelRecord, store: RecordStore, wake: () => void, looking: () => void) {
    this.#record = record;
    this.#durable = record;
    this.#store = store;
    this.#wake = wake;
    this.#looking = looking;
  }

  /** The latest, in memory. */
  get record(): ChannelRecord {
    return this.#record;
  }

  /** The latest that is on disk, as far as {@link RecordKeeper.settle} has told. */
  get durable(): ChannelRecord {
    return this.#durable;
  }

  /** The latest that others may see: what was deferred has no consequences and waits for nobody but earlier writes. */
  get visible(): ChannelRecord {
    return this.#unsettled === 0 ? this.#record : this.#durable;
  }

  /** Whether something is in memory that no write has taken yet. */
  get isDirty(): boolean {
    return this.#isDirty;
  }

  /** Whether that should be written before the turn ends. */
  get isUrgent(): boolean {
    return this.#isUrgent;
  }

  /**
   * Makes `next` the record and starts to write it, after an earlier write has ended. Resolves when the write has begun.
   * `consequence` runs once the record is on disk.
   *
   * @throws what made the earlier write fail
   */
  async write(next: ChannelRecord, consequence?: Consequence): Promise<void> {
    await this.#writing;
    this.#checkFailure();
    this.#record = next;
    this.#isDirty = false;
    this.#isUrgent = false;
    this.#unsettled += 1;
    this.#writing = this.#store.saveChannel(next).then(
      () => {
        this.#due.push(() => {
          this.#advance(next);
          consequence?.();
        });
      },
      (error: unknown) => {
        this.#failure = { error };
      },
    );
    // For the one who waits for nothing but the mailbox.
    void this.#writing.then(this.#wake);
  }

  /** Writes `next` and waits until it is on disk and all consequences up to it have run. */
  async commit(next: ChannelRecord): Promise<void> {
    await this.write(next);
    await this.#writing;
    this.settle();
  }

  /** Makes `next` the record, to be written some time later. */
  defer(next: ChannelRecord): void {
    if (next === this.#record) return;
    this.#record = next;
    this.#isDirty = true;
  }

  /** Makes `next` the record, to be written before the turn ends. */
  deferShortly(next: ChannelRecord): void {
    this.defer(next);
    this.#isUrgent = this.#isDirty;
  }

  /** Starts to write what was deferred. */
  async flush(): Promise<void> {
    if (this.#isDirty) await this.write(this.#record);
  }

  /** Runs the consequences of what has reached the disk, in order. @throws what made a write fail */
  settle(): void {
    this.#looking();
    for (let next = this.#due.shift(); next !== undefined; next = this.#due.shift()) next();
    this.#checkFailure();
  }

  /** Writes what was deferred, and waits until nothing is under way. Consequences that are due have run. */
  async close(): Promise<void> {
    await this.flush();
    await this.#writing;
    this.settle();
  }

  /** Gives up what is in memory for what is on disk, once no write is under way. Consequences that were due are dropped. */
  async reload(): Promise<void> {
    await this.#writing;
    const { name } = this.#record;
    const stored = await this.#store.loadChannel(name);
    if (stored === undefined) throw new RuntimeError('store_damaged', `${name} is not in the store any more`);
    this.#record = stored;
    this.#durable = stored;
    this.#isDirty = false;
    this.#isUrgent = false;
    this.#failure = undefined;
    this.#unsettled = 0;
    this.#due = [];
  }

  #advance(next: ChannelRecord): void {
    const { group } = this.#durable;
    this.#durable = next;
    this.#unsettled -= 1;
    if (group === next.group) return;
    // Nobody can go back any more: the keys that were used are to be gone.
    const inUse = [next, this.#record].flatMap((record) => [record.group, record.pendingCommit?.next]);
    eraseSpent(
      group,
      [...new Set(inUse)].filter((kept) => kept !== undefined),
    );
  }

  #checkFailure(): void {
    if (this.#failure === undefined) return;
    throw this.#failure.error;
  }
}
