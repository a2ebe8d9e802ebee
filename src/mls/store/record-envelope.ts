import { createHash } from 'node:crypto';
import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { equalBytes } from '../../base/bytes.ts';
import { readingRecord, storeDamaged, storeTooNew } from './store-errors.ts';
import { readCount } from './wire-values.ts';

/**
 * The newest format that this version reads, and the one that it writes. 2 lets entries of outbox and journal have a
 * header; what 1 wrote reads the same under it. 3 keeps with a channel who was seen coming.
 */
export const STORE_FORMAT = 3;

const KIND_BYTES = { format: 1, catalog: 2, keys: 3, 'key-package': 4, head: 5, delta: 6, 'key-table': 7 } as const;

/** What a record is for. */
export type RecordKind = keyof typeof KIND_BYTES;

/** A record without its wrapping. */
export interface StoreRecord {
  readonly kind: RecordKind;
  /** To whom the record belongs: a channel's id, a key package's reference. Empty where there is one for the store. */
  readonly owner: string;
  /** Position in the owner's log, from 1; 0 for records that are no log. */
  readonly number: number;
  /** Checksum of the record that this one continues; empty for one that stands alone. */
  readonly link: Uint8Array;
  readonly body: Uint8Array;
}

/** A record as it goes to the store. */
export interface SealedRecord {
  readonly bytes: Uint8Array;
  /** The checksum in `bytes`, which the next record of the log names as its link. */
  readonly checksum: Uint8Array;
}

/** A record as it came from the store, checked. */
export interface OpenedRecord extends StoreRecord {
  /** By which the body was written. */
  readonly format: number;
  readonly checksum: Uint8Array;
}

/** "SKYR". */
const MAGIC = Uint8Array.of(0x53, 0x4b, 0x59, 0x52);
const CHECKSUM_LENGTH = 16;

/** The link of a record that continues no other. */
export const NO_LINK: Uint8Array = new Uint8Array(0);

/**
 * Wraps a record: magic, format, kind, owner, number, link, body, and the first 16 bytes of SHA-256 over all of that.
 *
 * Magic, format byte and checksum keep their places in every format to come, so that a damaged record is told from a
 * newer one.
 */
export function sealRecord(record: StoreRecord): SealedRecord {
  const content = new BinaryWriter()
    .raw(MAGIC)
    .raw(Uint8Array.of(STORE_FORMAT, KIND_BYTES[record.kind]))
    .string(record.owner)
    .uint64(record.number)
    .bytes(record.link)
    .raw(record.body)
    .finish();
  const checksum = checksumOf(content);
  const bytes = new Uint8Array(content.length + CHECKSUM_LENGTH);
  bytes.set(content);
  bytes.set(checksum, content.length);
  return { bytes, checksum };
}

/**
 * Unwraps the record that was found under `key` and checks that it is whole and belongs there. The body is a view of
 * `bytes`.
 *
 * @throws {@link RuntimeError} `store_damaged`, or `data_dir_version` for a record that is whole and of a newer format
 */
export function openRecord(key: string, bytes: Uint8Array, kind: RecordKind, owner: string): OpenedRecord {
  const end = bytes.length - CHECKSUM_LENGTH;
  if (end < MAGIC.length + 2) throw storeDamaged(key, 'is cut short');
  if (!equalBytes(bytes.subarray(0, MAGIC.length), MAGIC)) throw storeDamaged(key, 'does not begin like a record');
  const checksum = bytes.subarray(end);
  const content = bytes.subarray(0, end);
  if (!equalBytes(checksumOf(content), checksum)) throw storeDamaged(key, 'does not match its checksum');
  const format = content[MAGIC.length] ?? 0;
  if (format > STORE_FORMAT) throw storeTooNew(key, format, STORE_FORMAT);

  const { foundOwner, number, link, body } = readingRecord(key, () => {
    const reader = new BinaryReader(content.subarray(MAGIC.length + 2));
    return {
      foundOwner: reader.string(),
      number: readCount(reader),
      link: reader.bytes(),
      body: content.subarray(MAGIC.length + 2 + reader.pos),
    };
  });
  if (content[MAGIC.length + 1] !== KIND_BYTES[kind] || foundOwner !== owner) {
    throw storeDamaged(key, 'holds a record that belongs elsewhere');
  }
  return { kind, owner, number, link, body, checksum, format };
}

function checksumOf(content: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(content).digest().subarray(0, CHECKSUM_LENGTH));
}
