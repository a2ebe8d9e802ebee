import type { ChannelName } from '../../base/channel-name.ts';
import type { Clock } from '../../base/clock.ts';
import type { SkytaleError } from '../../base/errors.ts';
import type { ChannelRecord } from './agent-store.ts';
import type { Catalog, CatalogEntry } from './catalog.ts';
import { ChannelLog } from './channel-log.ts';
import type { ChannelLogOptions } from './channel-log.ts';
import { FoldTimer } from './fold-timer.ts';
import { SerialQueue } from './serial-queue.ts';
import { storeDamaged } from './store-errors.ts';

/** What all channels of a store have in common. */
export interface ChannelStoreOptions extends Omit<ChannelLogOptions, 'id'> {
  readonly clock: Clock;
  /** See {@link AgentStoreOptions.foldAfterMs}. */
  readonly foldAfterMs: number;
  /** Folds in the background take turns: one channel at a time. */
  readonly foldTurns: SerialQueue;
  /** Told of folds in the background that failed. */
  readonly onBackgroundError: (error: SkytaleError) => void;
}

/** A save that waits for its turn; later ones take its place and share its outcome. */
interface WaitingSave {
  record: ChannelRecord;
  readonly saved: Promise<void>;
}

/** One name in the store: puts the calls for it in order and ties its log to the catalog. */
export class ChannelStore {
  readonly #name: ChannelName;
  readonly #catalog: Catalog;
  readonly #options: ChannelStoreOptions;
  readonly #queue = new SerialQueue();
  readonly #foldTimer: FoldTimer;
  #isClosed = false;
  #waitingSave: WaitingSave | undefined;
  #log: { readonly id: number; readonly log: ChannelLog } | undefined;

  constructor(name: ChannelName, catalog: Catalog, options: ChannelStoreOptions) {
    this.#name = name;
    this.#catalog = catalog;
    this.#options = options;
    const { clock, foldAfterMs: afterMs, foldTurns, onBackgroundError: onError } = options;
    this.#foldTimer = new FoldTimer({ clock, afterMs, onError, fold: () => foldTurns.run(() => this.#fold()) });
  }

  /** See {@link AgentStore.loadChannel}. Sees every save that was called before. */
  load(): Promise<ChannelRecord | undefined> {
    return this.#inTurn(async () => {
      const entry = this.#catalog.find(this.#name);
      if (entry === undefined || entry.stage === 'deleting') return undefined;
      const log = this.#logOf(entry);
      const record = await log.restore();
      this.#foldIfNeeded(log);
      if (record === undefined && entry.stage === 'live') throw storeDamaged(`channel.${entry.id}.head`, 'is missing');
      if (record !== undefined && record.name !== this.#name) {
        throw storeDamaged(`channel.${entry.id}.head`, 'holds another channel');
      }
      return record;
    });
  }

  /** See {@link AgentStore.saveChannel}. Saves that wait at the same time become one write, of the latest. */
  save(record: ChannelRecord): Promise<void> {
    if (this.#waitingSave !== undefined) {
      this.#waitingSave.record = record;
      return this.#waitingSave.saved;
    }
    const saved = this.#queue.run(() => {
      if (this.#waitingSave === waiting) this.#waitingSave = undefined;
      return this.#write(waiting.record);
    });
    const waiting: WaitingSave = { record, saved };
    this.#waitingSave = waiting;
    return saved;
  }

  /** See {@link AgentStore.deleteChannel}. */
  delete(): Promise<void> {
    return this.#inTurn(async () => {
      const entry = this.#catalog.find(this.#name);
      if (entry !== undefined) await this.#erase(entry);
    });
  }

  /** Brings the catalog and the records together again after a crash between them. */
  recover(): Promise<void> {
    return this.#inTurn(async () => {
      const entry = this.#catalog.find(this.#name);
      if (entry === undefined) return;
      const isVoid = entry.stage === 'creating' && (await this.#logOf(entry).isEmpty());
      if (isVoid || entry.stage === 'deleting') return this.#erase(entry);
      if (entry.stage === 'creating') await this.#catalog.setStage(entry.id, 'live');
      // A crash may have left deltas, also in a channel that nobody opens this time.
      this.#foldIfNeeded(this.#logOf(entry));
    });
  }

  /** Waits for what was called before, then leaves no used secret behind in deltas. */
  close(): Promise<void> {
    this.#isClosed = true;
    this.#foldTimer.cancel();
    return this.#inTurn(async () => {
      if (this.#log?.log.hasDeltas) await this.#log.log.fold();
    });
  }

  /** Behind the saves that wait; those that come now wait for it as they wait for a save that folds. */
  async #fold(): Promise<void> {
    // Closing folds by itself.
    if (!this.#isClosed) await this.#queue.run(async () => this.#log?.log.fold());
  }

  #foldIfNeeded(log: ChannelLog): void {
    if (!log.needsFold) this.#foldTimer.cancel();
    else if (!this.#isClosed) this.#foldTimer.arm();
  }

  async #write(record: ChannelRecord): Promise<void> {
    let entry = this.#catalog.find(this.#name);
    if (entry?.stage === 'deleting') {
      await this.#erase(entry);
      entry = undefined;
    }
    entry ??= await this.#catalog.add(this.#name);
    const log = this.#logOf(entry);
    await log.write(record);
    this.#foldIfNeeded(log);
    if (entry.stage !== 'live') await this.#catalog.setStage(entry.id, 'live');
  }

  async #erase(entry: CatalogEntry): Promise<void> {
    this.#foldTimer.cancel();
    await this.#catalog.setStage(entry.id, 'deleting');
    await this.#logOf(entry).erase();
    await this.#catalog.remove(entry.id);
    this.#log = undefined;
  }

  #logOf({ id }: CatalogEntry): ChannelLog {
    if (this.#log?.id !== id) this.#log = { id, log: new ChannelLog({ ...this.#options, id }) };
    return this.#log.log;
  }

  /** A save that is called later must not be written before this task: it does not join one that waits. */
  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    this.#waitingSave = undefined;
    return this.#queue.run(task);
  }
}
