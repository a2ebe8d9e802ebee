import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { copyBytes, toHex } from '../../base/bytes.ts';
import type { ChannelName } from '../../base/channel-name.ts';
import { checkInteger } from '../../base/check.ts';
import { systemClock } from '../../base/clock.ts';
import { RuntimeError } from '../../base/errors.ts';
import type { AgentKeys } from '../agent-keys.ts';
import type { KeyPackageBundle } from '../key-package.ts';
import type { AgentStore, ChannelRecord } from './agent-store.ts';
import { Catalog } from './catalog.ts';
import { MAX_DELTAS } from './channel-log.ts';
import { ChannelStore } from './channel-store.ts';
import type { ChannelStoreOptions } from './channel-store.ts';
import { keyvRecordsUnder } from './keyv-encryption.ts';
import { KeyvRecords } from './keyv-records.ts';
import { NO_LINK, openRecord, sealRecord } from './record-envelope.ts';
import type { RecordKind } from './record-envelope.ts';
import { AGENT_KEY } from './records.ts';
import type { KeyId, Records } from './records.ts';
import { SerialQueue } from './serial-queue.ts';
import type { AgentStoreOptions, StoreHooks, StoreOptions } from './store-options.ts';
import { readingRecord, storeDamaged } from './store-errors.ts';
import { expectEnd, readBytes } from './wire-values.ts';

/**
 * Opens the store of one agent, or makes an empty Keyv store one.
 *
 * Each channel is a log of records, where every save is one key: it is there as a whole or not at all. Damage is found when
 * it is read, and named.
 *
 * @throws {@link RuntimeError} `data_dir_version` before anything is written, if a newer version made the store;
 * `state_key_wrong`, likewise; `store_damaged`, `store_error`, `invalid_argument`
 */
export async function openAgentStore(options: AgentStoreOptions): Promise<AgentStore> {
  const records = new KeyvRecords(options.keyv);
  return openStoreOn(await keyvRecordsUnder(options.stateKey, records), options);
}

/** As {@link openAgentStore}, on any records. */
export async function openStoreOn(records: Records, options: StoreOptions & StoreHooks): Promise<AgentStore> {
  const foldAfterMs = checkInteger('foldAfterMs', options.foldAfterMs ?? 1000, 0, 3_600_000);
  const deltas = checkInteger('foldAfterDeltas', options.foldAfterDeltas ?? 100, 0, MAX_DELTAS);
  const catalog = await Catalog.open(records);
  const nothing = (): Promise<void> => Promise.resolve();
  const { codec, clock = systemClock, onErased = nothing, onClosed = nothing } = options;
  const store = new KeyvAgentStore(
    catalog,
    {
      records,
      codec,
      clock,
      foldAfterDeltas: foldAfterMs === 0 ? 0 : deltas,
      foldAfterMs,
      foldTurns: new SerialQueue(),
      onErased,
      onBackgroundError: options.onBackgroundError ?? (() => undefined),
    },
    onClosed,
  );
  await store.recover();
  return store;
}

const KEYS = 'keys';

class KeyvAgentStore implements AgentStore {
  readonly #records: Records;
  readonly #catalog: Catalog;
  readonly #options: ChannelStoreOptions;
  readonly #onClosed: () => Promise<void>;
  readonly #channels = new Map<ChannelName, ChannelStore>();
  readonly #calls = new Set<Promise<unknown>>();
  #closed: Promise<void> | undefined;

  constructor(catalog: Catalog, options: ChannelStoreOptions, onClosed: () => Promise<void>) {
    this.#records = options.records;
    this.#catalog = catalog;
    this.#options = options;
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
      await this.#save(KEYS, 'keys', '', writer, AGENT_KEY);
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
    const name = keyPackageName(owner);
    return this.#call(async () => {
      await this.#catalog.addKeyPackage(owner);
      await this.#save(name, 'key-package', owner, body, await this.#records.keys.prepare(name));
    });
  }

  loadKeyPackage(ref: Uint8Array): Promise<KeyPackageBundle | undefined> {
    const owner = toHex(ref);
    return this.#call(() =>
      this.#load(keyPackageName(owner), 'key-package', owner, (reader) => ({
        ref: copyBytes(ref),
        keyPackage: readBytes(reader),
        secret: readBytes(reader),
      })),
    );
  }

  deleteKeyPackage(ref: Uint8Array): Promise<void> {
    return this.#call(async () => {
      const owner = toHex(ref);
      const name = keyPackageName(owner);
      await this.#records.keys.erase(name);
      await this.#records.deleteMany([name]);
      await this.#options.onErased();
      await this.#catalog.removeKeyPackage(owner);
    });
  }

  keyPackageRefs(): Promise<readonly Uint8Array[]> {
    const refs = (): Uint8Array[] =>
      this.#catalog.keyPackages.map((owner) => new Uint8Array(Buffer.from(owner, 'hex')));
    return this.#call(() => Promise.resolve(refs()));
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
      channel = new ChannelStore(name, this.#catalog, this.#options);
      this.#channels.set(name, channel);
    }
    return channel;
  }

  async #save(name: string, kind: RecordKind, owner: string, body: BinaryWriter, key: KeyId): Promise<void> {
    const { bytes } = sealRecord({ kind, owner, number: 0, link: NO_LINK, body: body.finish() });
    await this.#records.set(name, bytes, key);
  }

  async #load<T>(
    name: string,
    kind: RecordKind,
    owner: string,
    read: (reader: BinaryReader) => T,
  ): Promise<T | undefined> {
    const found = await this.#records.get(name);
    if (found === undefined) return undefined;
    const reader = new BinaryReader(openRecord(name, found.bytes, kind, owner).body);
    return readingRecord(name, () => {
      const value = read(reader);
      expectEnd(reader);
      return value;
    });
  }
}

function keyPackageName(owner: string): string {
  return `key-package.${owner}`;
}
