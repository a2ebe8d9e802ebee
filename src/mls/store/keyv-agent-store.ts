import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import type { Keyv } from 'keyv';
import { copyBytes, toHex } from '../../base/bytes.ts';
import type { ChannelName } from '../../base/channel-name.ts';
import { checkInteger } from '../../base/check.ts';
import { RuntimeError } from '../../base/errors.ts';
import type { AgentKeys } from '../agent-keys.ts';
import type { KeyPackageBundle } from '../key-package.ts';
import type { AgentStore, ChannelRecord } from './agent-store.ts';
import { Catalog } from './catalog.ts';
import { MAX_DELTAS } from './channel-log.ts';
import type { ChannelLogOptions } from './channel-log.ts';
import { ChannelStore } from './channel-store.ts';
import type { GroupCodec } from './group-codec.ts';
import { KeyvRecords } from './keyv-records.ts';
import { NO_LINK, openRecord, sealRecord } from './record-envelope.ts';
import type { RecordKind } from './record-envelope.ts';
import { readingRecord, storeDamaged } from './store-errors.ts';
import { expectEnd, readBytes } from './wire-values.ts';

export interface AgentStoreOptions {
  /**
   * Where the records go. For one agent store alone in its namespace, and taken over by it: see {@link KeyvRecords}.
   * What Keyv acknowledges must be durable.
   */
  readonly keyv: Keyv;
  readonly codec: GroupCodec;
  /**
   * Saves after which a channel is written anew as a whole; from 0 to 128, 100 by default. Between two such writes, secrets
   * that were used since the first are still in the store. 0 leaves none, at the cost of writing the whole group each time.
   */
  readonly foldAfterDeltas?: number;
  /** Called when records with spent secrets were overwritten or deleted, to purge copies that the store still has. */
  readonly onErased?: () => Promise<void>;
  /** Called once, at the end of {@link AgentStore.close}. By default the Keyv instance stays as it is. */
  readonly onClosed?: () => Promise<void>;
}

/**
 * Opens the store of one agent, or makes an empty Keyv store one.
 *
 * Each channel is a log of records, where every save is one key: it is there as a whole or not at all. Damage is found when
 * it is read, and named.
 *
 * @throws {@link RuntimeError} `data_dir_version` before anything is written, if a newer version made the store;
 * `store_damaged`, `store_error`, `invalid_argument`
 */
export async function openAgentStore(options: AgentStoreOptions): Promise<AgentStore> {
  const foldAfterDeltas = checkInteger('foldAfterDeltas', options.foldAfterDeltas ?? 100, 0, MAX_DELTAS);
  const records = new KeyvRecords(options.keyv);
  const catalog = await Catalog.open(records);
  const nothing = (): Promise<void> => Promise.resolve();
  const { codec, onErased = nothing, onClosed = nothing } = options;
  const store = new KeyvAgentStore(catalog, { records, codec, foldAfterDeltas, onErased }, onClosed);
  await store.recover();
  return store;
}

const KEYS = 'keys';

class KeyvAgentStore implements AgentStore {
  readonly #records: KeyvRecords;
  readonly #catalog: Catalog;
  readonly #logOptions: Omit<ChannelLogOptions, 'id'>;
  readonly #onClosed: () => Promise<void>;
  readonly #channels = new Map<ChannelName, ChannelStore>();
  readonly #calls = new Set<Promise<unknown>>();
  #closed: Promise<void> | undefined;

  constructor(catalog: Catalog, logOptions: Omit<ChannelLogOptions, 'id'>, onClosed: () => Promise<void>) {
    this.#records = logOptions.records;
    this.#catalog = catalog;
    this.#logOptions = logOptions;
    this.#onClosed = onClosed;
  }

  async recover(): Promise<void> {
    await Promise.all(this.#catalog.entries.map(({ name }) => this.#channel(name).recover()));
  }

  loadKeys(): Promise<AgentKeys | undefined> {
    return this.#call(async () => {
      const keys = await this.#load(KEYS, 'keys', '', (reader) => ({
        identity: readBytes(reader),
        signaturePublicKey: readBytes(reader),
        signaturePrivateKey: readBytes(reader),
      }));
      if (keys === undefined && this.#catalog.hasKeys) throw storeDamaged(KEYS, 'is missing');
      return keys;
    });
  }

  saveKeys(keys: AgentKeys): Promise<void> {
    return this.#call(async () => {
      const writer = new BinaryWriter();
      writer.bytes(keys.identity).bytes(keys.signaturePublicKey).bytes(keys.signaturePrivateKey);
      await this.#save(KEYS, 'keys', '', writer);
      await this.#catalog.setHasKeys();
    });
  }

  channelNames(): Promise<readonly ChannelName[]> {
    const live = (): ChannelName[] =>
      this.#catalog.entries.filter(({ stage }) => stage === 'live').map(({ name }) => name);
    return this.#call(() => Promise.resolve(live()));
  }

  loadChannel(name: ChannelName): Promise<ChannelRecord | undefined> {
    return this.#call(() => this.#channel(name).load());
  }

  saveChannel(record: ChannelRecord): Promise<void> {
    return this.#call(() => this.#channel(record.name).save(record));
  }

  deleteChannel(name: ChannelName): Promise<void> {
    return this.#call(() => this.#channel(name).delete());
  }

  saveKeyPackage({ ref, keyPackage, secret }: KeyPackageBundle): Promise<void> {
    const owner = toHex(ref);
    const body = new BinaryWriter().bytes(keyPackage).bytes(secret);
    return this.#call(() => this.#save(keyPackageKey(owner), 'key-package', owner, body));
  }

  loadKeyPackage(ref: Uint8Array): Promise<KeyPackageBundle | undefined> {
    const owner = toHex(ref);
    return this.#call(() =>
      this.#load(keyPackageKey(owner), 'key-package', owner, (reader) => ({
        ref: copyBytes(ref),
        keyPackage: readBytes(reader),
        secret: readBytes(reader),
      })),
    );
  }

  deleteKeyPackage(ref: Uint8Array): Promise<void> {
    return this.#call(async () => {
      await this.#records.delete(keyPackageKey(toHex(ref)));
      await this.#logOptions.onErased();
    });
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#calls);
    const folds = await Promise.allSettled([...this.#channels.values()].map((channel) => channel.close()));
    // Whatever went wrong, what is held must be let go of; a fold that failed has lost nothing and is told afterwards.
    await this.#onClosed();
    for (const fold of folds) if (fold.status === 'rejected') throw fold.reason;
  }

  /** Runs `task` unless the store is closed, and keeps the store open until it is over. */
  #call<T>(task: () => Promise<T>): Promise<T> {
    if (this.#closed !== undefined) {
      return Promise.reject(new RuntimeError('store_error', 'the store is closed; open it again'));
    }
    const call = task();
    this.#calls.add(call);
    const forget = (): boolean => this.#calls.delete(call);
    call.then(forget, forget);
    return call;
  }

  #channel(name: ChannelName): ChannelStore {
    let channel = this.#channels.get(name);
    if (channel === undefined) {
      channel = new ChannelStore(name, this.#catalog, this.#logOptions);
      this.#channels.set(name, channel);
    }
    return channel;
  }

  async #save(key: string, kind: RecordKind, owner: string, body: BinaryWriter): Promise<void> {
    await this.#records.set(key, sealRecord({ kind, owner, number: 0, link: NO_LINK, body: body.finish() }).bytes);
  }

  async #load<T>(
    key: string,
    kind: RecordKind,
    owner: string,
    read: (reader: BinaryReader) => T,
  ): Promise<T | undefined> {
    const bytes = await this.#records.get(key);
    if (bytes === undefined) return undefined;
    const reader = new BinaryReader(openRecord(key, bytes, kind, owner).body);
    return readingRecord(key, () => {
      const value = read(reader);
      expectEnd(reader);
      return value;
    });
  }
}

function keyPackageKey(owner: string): string {
  return `key-package.${owner}`;
}
