import { RuntimeError } from '../../base/errors.ts';
import { type AgentStore, type ChannelRecord, eraseSpent } from '../../mls/index.ts';

/**
 * The one holder of a channel's record: what is in memory, and what of it is on disk.
 *
 * `commit` is for what must be durable before anyone sees its consequences. `defer` is for what a crash may undo
 * because the log brings it again; it is written with the next commit, or by `flush`. `deferShortly` is for what should
 * share its write with other changes of the same turn.
 */
export class RecordKeeper {
  readonly #store: AgentStore;
  #record: ChannelRecord;
  /** What is on disk. Deferred changes never touch the group: a ratchet that moves is written at once. */
  #written: ChannelRecord;
  #isDirty = false;
  #isUrgent = false;

  /** @param record as it is in the store */
  constructor(record: ChannelRecord, store: AgentStore) {
    this.#record = record;
    this.#written = record;
    this.#store = store;
  }

  get record(): ChannelRecord {
    return this.#record;
  }

  /** Whether memory is ahead of the disk. */
  get isDirty(): boolean {
    return this.#isDirty;
  }

  /** Whether what is not on disk yet should be there before the turn ends. */
  get isUrgent(): boolean {
    return this.#isUrgent;
  }

  /** Writes `next`, then makes it the record. If the write fails, the record stays as it was. */
  async commit(next: ChannelRecord): Promise<void> {
    await this.#store.saveChannel(next);
    const { group } = this.#written;
    this.#written = next;
    this.#record = next;
    this.#isDirty = false;
    this.#isUrgent = false;
    // Nobody can go back any more: the keys that were used are to be gone.
    if (group !== next.group) eraseSpent(group, [next.group, ...(next.pendingCommit ? [next.pendingCommit.next] : [])]);
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

  /** Writes what was deferred. */
  async flush(): Promise<void> {
    if (this.#isDirty) await this.commit(this.#record);
  }

  /** Gives up what is in memory for what is on disk. */
  async reload(): Promise<void> {
    const { name } = this.#record;
    const stored = await this.#store.loadChannel(name);
    if (stored === undefined) throw new RuntimeError('store_damaged', `${name} is not in the store any more`);
    this.#record = stored;
    this.#written = stored;
    this.#isDirty = false;
    this.#isUrgent = false;
  }
}
