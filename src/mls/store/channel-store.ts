import type { ChannelName } from '../../base/channel-name.ts';
import type { ChannelRecord } from './agent-store.ts';
import type { Catalog, CatalogEntry } from './catalog.ts';
import { ChannelLog } from './channel-log.ts';
import type { ChannelLogOptions } from './channel-log.ts';
import { SerialQueue } from './serial-queue.ts';
import { storeDamaged } from './store-errors.ts';

/** A save that waits for its turn; later ones take its place and share its outcome. */
interface WaitingSave {
  record: ChannelRecord;
  readonly saved: Promise<void>;
}

/** One name in the store: puts the calls for it in order and ties its log to the catalog. */
export class ChannelStore {
  readonly #name: ChannelName;
  readonly #catalog: Catalog;
  readonly #logOptions: Omit<ChannelLogOptions, 'id'>;
  readonly #queue = new SerialQueue();
  #waitingSave: WaitingSave | undefined;
  #log: { readonly id: number; readonly log: ChannelLog } | undefined;

  constructor(name: ChannelName, catalog: Catalog, logOptions: Omit<ChannelLogOptions, 'id'>) {
    this.#name = name;
    this.#catalog = catalog;
    this.#logOptions = logOptions;
  }

  /** See {@link AgentStore.loadChannel}. Sees every save that was called before. */
  load(): Promise<ChannelRecord | undefined> {
    return this.#inTurn(async () => {
      const entry = this.#catalog.find(this.#name);
      if (entry === undefined || entry.stage === 'deleting') return undefined;
      const record = await this.#logOf(entry).restore();
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
      if (entry?.stage === 'deleting') await this.#erase(entry);
      if (entry?.stage !== 'creating') return;
      if (await this.#logOf(entry).isEmpty()) await this.#catalog.remove(entry.id);
      else await this.#catalog.setStage(entry.id, 'live');
    });
  }

  /** Waits for what was called before, then leaves no used secret behind in deltas. */
  close(): Promise<void> {
    return this.#inTurn(async () => this.#log?.log.fold());
  }

  async #write(record: ChannelRecord): Promise<void> {
    let entry = this.#catalog.find(this.#name);
    if (entry?.stage === 'deleting') {
      await this.#erase(entry);
      entry = undefined;
    }
    entry ??= await this.#catalog.add(this.#name);
    await this.#logOf(entry).write(record);
    if (entry.stage !== 'live') await this.#catalog.setStage(entry.id, 'live');
  }

  async #erase(entry: CatalogEntry): Promise<void> {
    await this.#catalog.setStage(entry.id, 'deleting');
    await this.#logOf(entry).erase();
    await this.#catalog.remove(entry.id);
    this.#log = undefined;
  }

  #logOf({ id }: CatalogEntry): ChannelLog {
    if (this.#log?.id !== id) this.#log = { id, log: new ChannelLog({ ...this.#logOptions, id }) };
    return this.#log.log;
  }

  /** A save that is called later must not be written before this task: it does not join one that waits. */
  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    this.#waitingSave = undefined;
    return this.#queue.run(task);
  }
}
