import { createHash } from 'node:crypto';
import { equalBytes } from '../../base/bytes.ts';
import type { KeyTable } from './key-table.ts';
import type { KeyvRecords } from './keyv-records.ts';
import { AGENT_KEY, FORMAT_KEY } from './records.ts';
import type { FoundRecord, KeyId, RecordKeys, Records } from './records.ts';
import { storeDamaged, storeTooNew } from './store-errors.ts';

/** "SKYE". */
const MAGIC = Uint8Array.of(0x53, 0x4b, 0x59, 0x45);
const FORMAT = 1;
/** Magic, format, key id. */
const HEADER_LENGTH = MAGIC.length + 1 + 6;
/** Without it, a key id with a flipped bit would look like one that was erased, and the record like a deleted one. */
const CHECK_LENGTH = 8;

/**
 * Records under the keys of a table, each bound to its name: one that was moved or changed does not decrypt. All but the
 * format record is encrypted, and nothing else is accepted. Numbers and lengths of records can be seen, and names, which
 * are ids.
 */
export class EncryptedRecords implements Records {
  readonly keys: RecordKeys;
  readonly #records: KeyvRecords;
  readonly #table: KeyTable;

  constructor(records: KeyvRecords, table: KeyTable) {
    this.#records = records;
    this.#table = table;
    this.keys = table;
  }

  async get(name: string): Promise<FoundRecord | undefined> {
    const [found] = await this.getMany([name]);
    return found;
  }

  async getMany(names: readonly string[]): Promise<(FoundRecord | undefined)[]> {
    const values = await this.#records.getMany(names);
    return values.map((bytes, index) => (bytes === undefined ? undefined : this.#open(names[index] ?? '', bytes)));
  }

  async set(name: string, bytes: Uint8Array, key: KeyId): Promise<void> {
    await this.#records.set(name, name === FORMAT_KEY ? bytes : this.#seal(name, bytes, key));
  }

  deleteMany(names: readonly string[]): Promise<void> {
    return this.#records.deleteMany(names);
  }

  #seal(name: string, bytes: Uint8Array, key: KeyId): Uint8Array {
    const cipher = this.#table.cipherOf(key);
    if (cipher === undefined) throw storeDamaged(name, 'was to be written under a key that is gone');
    const header = Buffer.alloc(HEADER_LENGTH);
    header.set(MAGIC);
    header[MAGIC.length] = FORMAT;
    header.writeUIntBE(key, MAGIC.length + 1, 6);
    return Buffer.concat([header, checkOf(header, name), cipher.seal(bytes, authenticated(header, name))]);
  }

  #open(name: string, bytes: Uint8Array): FoundRecord | undefined {
    if (name === FORMAT_KEY) return { bytes, key: AGENT_KEY };
    if (bytes.length < HEADER_LENGTH + CHECK_LENGTH) throw storeDamaged(name, 'is cut short');
    if (!equalBytes(bytes.subarray(0, MAGIC.length), MAGIC)) {
      throw storeDamaged(name, 'does not begin like an encrypted record');
    }
    const header = bytes.subarray(0, HEADER_LENGTH);
    const sealed = bytes.subarray(HEADER_LENGTH + CHECK_LENGTH);
    if (!equalBytes(bytes.subarray(HEADER_LENGTH, HEADER_LENGTH + CHECK_LENGTH), checkOf(header, name))) {
      throw storeDamaged(name, 'does not match its checksum');
    }
    const format = header[MAGIC.length] ?? 0;
    if (format > FORMAT) throw storeTooNew(name, format, FORMAT);
    const key = Buffer.from(header).readUIntBE(MAGIC.length + 1, 6);
    const cipher = this.#table.cipherOf(key);
    if (cipher === undefined) return undefined;
    const opened = cipher.open(sealed, authenticated(header, name));
    if (opened === undefined) throw storeDamaged(name, 'does not decrypt: it was changed, or belongs elsewhere');
    return { bytes: opened, key };
  }
}

function authenticated(header: Uint8Array, name: string): Uint8Array {
  return Buffer.concat([header, Buffer.from(name)]);
}

function checkOf(header: Uint8Array, name: string): Uint8Array {
  return createHash('sha256').update(header).update(name).digest().subarray(0, CHECK_LENGTH);
}
