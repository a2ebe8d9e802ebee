import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { parseChannelName } from '../../base/channel-name.ts';
import type { ChannelName } from '../../base/channel-name.ts';
import type { KeyvRecords } from './keyv-records.ts';
import { NO_LINK, openRecord, sealRecord } from './record-envelope.ts';
import { AGENT_KEY, FORMAT_KEY } from './records.ts';
import type { Records } from './records.ts';
import { SerialQueue } from './serial-queue.ts';
import { readingRecord, storeDamaged } from './store-errors.ts';
import { expectEnd, readCount, readList, writeList } from './wire-values.ts';

const CATALOG_KEY = 'catalog';

/**
 * How far a channel is. The name goes into the catalog before its first record (`creating`) and leaves it after its last
 * (`deleting`), so a channel that is `live` and has no head was damaged, and no crash leaves records that nobody knows.
 */
export type ChannelStage = 'creating' | 'live' | 'deleting';

const STAGES: readonly ChannelStage[] = ['creating', 'live', 'deleting'];

export interface CatalogEntry {
  /** Never used again for another channel, nor for the same name after a deletion. */
  readonly id: number;
  readonly name: ChannelName;
  readonly stage: ChannelStage;
}

interface Contents {
  readonly nextId: number;
  /** That the agent's keys were saved: losing them must not look like a new agent. */
  readonly hasKeys: boolean;
  readonly entries: readonly CatalogEntry[];
  /** References of key packages, in hexadecimal. One is here before its record is, and until that is gone. */
  readonly keyPackages: readonly string[];
}

const NOTHING: Contents = { nextId: 1, hasKeys: false, entries: [], keyPackages: [] };

/** What is in the store, in one record: the only way to list things that Keyv allows on every store. */
export class Catalog {
  readonly #records: Records;
  readonly #writes = new SerialQueue();
  #contents: Contents;

  private constructor(records: Records, contents: Contents) {
    this.#records = records;
    this.#contents = contents;
  }

  /**
   * Reads the catalog, or makes an empty store one of ours.
   *
   * @throws {@link RuntimeError} `data_dir_version` before anything is written, if a newer version made the store;
   * `store_damaged` if a part of it is gone
   */
  static async open(records: Records): Promise<Catalog> {
    const hasFormat = isKnownFormat((await records.get(FORMAT_KEY))?.bytes);
    const bytes = (await records.get(CATALOG_KEY))?.bytes;
    if (bytes === undefined && hasFormat) throw storeDamaged(CATALOG_KEY, 'is missing');
    const contents = bytes === undefined ? NOTHING : decodeContents(bytes);
    if (!hasFormat) {
      if (contents.nextId !== 1 || contents.hasKeys) throw storeDamaged(FORMAT_KEY, 'is missing');
      // The catalog first: a crash in between leaves an empty catalog without format, which is a new store still.
      await records.set(CATALOG_KEY, encodeContents(contents), AGENT_KEY);
      const body = new Uint8Array(0);
      const format = sealRecord({ kind: 'format', owner: '', number: 0, link: NO_LINK, body });
      await records.set(FORMAT_KEY, format.bytes, AGENT_KEY);
    }
    return new Catalog(records, contents);
  }

  get hasKeys(): boolean {
    return this.#contents.hasKeys;
  }

  get entries(): readonly CatalogEntry[] {
    return this.#contents.entries;
  }

  find(name: ChannelName): CatalogEntry | undefined {
    return this.#contents.entries.find((entry) => entry.name === name);
  }

  /** Enters a name that is not there yet, as `creating`. */
  async add(name: ChannelName): Promise<CatalogEntry> {
    const added = await this.#update((contents) => ({
      ...contents,
      nextId: contents.nextId + 1,
      entries: [...contents.entries, { id: contents.nextId, name, stage: 'creating' }],
    }));
    return added.entries.at(-1) as CatalogEntry;
  }

  async setStage(id: number, stage: ChannelStage): Promise<void> {
    await this.#update((contents) => ({
      ...contents,
      entries: contents.entries.map((entry) => (entry.id === id ? { ...entry, stage } : entry)),
    }));
  }

  async remove(id: number): Promise<void> {
    await this.#update((contents) => ({
      ...contents,
      entries: contents.entries.filter((entry) => entry.id !== id),
    }));
  }

  get keyPackages(): readonly string[] {
    return this.#contents.keyPackages;
  }

  async addKeyPackage(ref: string): Promise<void> {
    if (this.#contents.keyPackages.includes(ref)) return;
    await this.#update((contents) => ({ ...contents, keyPackages: [...contents.keyPackages, ref] }));
  }

  async removeKeyPackage(ref: string): Promise<void> {
    if (!this.#contents.keyPackages.includes(ref)) return;
    await this.#update((contents) => ({
      ...contents,
      keyPackages: contents.keyPackages.filter((known) => known !== ref),
    }));
  }

  async setHasKeys(): Promise<void> {
    if (!this.#contents.hasKeys) await this.#update((contents) => ({ ...contents, hasKeys: true }));
  }

  /** Contents change in memory only once they are in the store. Every write holds all, so an error leaves no hole. */
  #update(change: (contents: Contents) => Contents): Promise<Contents> {
    return this.#writes.run(async () => {
      const contents = change(this.#contents);
      await this.#records.set(CATALOG_KEY, encodeContents(contents), AGENT_KEY);
      this.#contents = contents;
      return contents;
    });
  }
}

/**
 * Whether the store carries a format, which must be one that this version knows. Changes nothing.
 *
 * @throws {@link RuntimeError} `data_dir_version` if it is newer, `store_damaged` if it is unreadable
 */
export async function checkFormat(records: KeyvRecords): Promise<boolean> {
  return isKnownFormat(await records.get(FORMAT_KEY));
}

function isKnownFormat(bytes: Uint8Array | undefined): boolean {
  if (bytes === undefined) return false;
  openRecord(FORMAT_KEY, bytes, 'format', '');
  return true;
}

function encodeContents({ nextId, hasKeys, entries, keyPackages }: Contents): Uint8Array {
  const writer = new BinaryWriter().uint64(nextId).bool(hasKeys);
  writeList(writer, entries, ({ id, name, stage }) => {
    writer.uint64(id).uint32(STAGES.indexOf(stage)).string(name);
  });
  writeList(writer, keyPackages, (ref) => writer.string(ref));
  return sealRecord({ kind: 'catalog', owner: '', number: 0, link: NO_LINK, body: writer.finish() }).bytes;
}

function decodeContents(bytes: Uint8Array): Contents {
  const { body } = openRecord(CATALOG_KEY, bytes, 'catalog', '');
  return readingRecord(CATALOG_KEY, () => {
    const reader = new BinaryReader(body);
    const contents: Contents = {
      nextId: readCount(reader),
      hasKeys: reader.bool(),
      entries: readList(reader, () => {
        const id = readCount(reader);
        const stage = STAGES[reader.uint32()];
        if (stage === undefined) throw new RangeError('unknown stage');
        return { id, stage, name: parseChannelName(reader.string()) };
      }),
      // Catalogs that were written before there was such a list end here.
      keyPackages: reader.pos === reader.len ? [] : readList(reader, () => reader.string()),
    };
    expectEnd(reader);
    return contents;
  });
}
