import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { readProtection } from './key-protection.ts';
import type { KeyProtection } from './key-protection.ts';
import { NO_LINK, openRecord, sealRecord } from './record-envelope.ts';
import type { KeyId } from './records.ts';
import type { StateKey } from './state-key.ts';
import { readingRecord, stateKeyWrong } from './store-errors.ts';
import { expectEnd, readBytes, readCount, readList, writeList } from './wire-values.ts';

/** What a key table holds. */
export interface KeyTableContents {
  /** Never given to a key so far. */
  readonly nextId: KeyId;
  /** By owner, its keys from old to new. */
  readonly owners: ReadonlyMap<string, ReadonlyMap<KeyId, Uint8Array>>;
}

/** A key table as it is kept. */
export function encodeKeyTable({ nextId, owners }: KeyTableContents, { header, cipher }: KeyProtection): Uint8Array {
  const writer = new BinaryWriter().uint64(nextId);
  writeList(writer, [...owners], ([owner, keys]) => {
    writeList(writer.string(owner), [...keys], ([id, key]) => writer.uint64(id).bytes(key));
  });
  const plain = writer.finish();
  const body = new BinaryWriter()
    .bytes(header)
    .bytes(cipher === undefined ? plain : cipher.seal(plain, header))
    .finish();
  return sealRecord({ kind: 'key-table', owner: '', number: 0, link: NO_LINK, body }).bytes;
}

/**
 * The inverse of {@link encodeKeyTable}, with the protection that was found.
 *
 * @param place where the table was found
 * @throws {@link RuntimeError} `state_key_wrong`, `store_damaged`, `data_dir_version`
 */
export async function decodeKeyTable(
  place: string,
  bytes: Uint8Array,
  key: StateKey | undefined,
): Promise<{ readonly contents: KeyTableContents; readonly protection: KeyProtection }> {
  const { body } = openRecord(place, bytes, 'key-table', '');
  const [header, content] = readingRecord(place, () => {
    const reader = new BinaryReader(body);
    const parts = [readBytes(reader), readBytes(reader)] as const;
    expectEnd(reader);
    return parts;
  });
  const protection = await readProtection(place, header, key);
  // The checksum was right, so it is the key that is not.
  const plain = protection.cipher === undefined ? content : protection.cipher.open(content, header);
  if (plain === undefined) {
    const given = key instanceof Uint8Array ? 'state key' : 'passphrase';
    throw stateKeyWrong(`${place} is encrypted under another ${given} than the one that was given`);
  }
  return { protection, contents: readingRecord(place, () => readContents(plain)) };
}

function readContents(plain: Uint8Array): KeyTableContents {
  const reader = new BinaryReader(plain);
  const nextId = readCount(reader);
  const owners = readList(
    reader,
    () => [reader.string(), new Map(readList(reader, () => [readCount(reader), readBytes(reader)] as const))] as const,
  );
  expectEnd(reader);
  return { nextId, owners: new Map(owners) };
}
