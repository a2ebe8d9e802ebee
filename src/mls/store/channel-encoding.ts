import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { parseChannelName } from '../../base/channel-name.ts';
import { decodePins, encodePins } from '../identity-pins.ts';
import type { ChannelRecord, Cursor, JournalEntry, OutboxEntry, PendingCommitEntry } from './agent-store.ts';
import { NO_ADMISSIONS, type SeenLeaf } from '../invite/admissions.ts';
import type { GroupCodec } from './group-codec.ts';
import { STORE_FORMAT } from './record-envelope.ts';
import {
  expectEnd,
  readBytes,
  readCount,
  readEpoch,
  readList,
  readOptional,
  writeList,
  writeOptional,
} from './wire-values.ts';

const NO_ID = new Uint8Array();
/** The first format that has admissions. */
const ADMISSIONS_FORMAT = 3;

/** A channel as a whole: the body of its head record. */
export function encodeChannel(record: ChannelRecord, codec: GroupCodec): Uint8Array {
  const writer = new BinaryWriter().string(record.name).bytes(record.idKey).bytes(codec.encode(record.group));
  writeCursor(writer, record.cursor);
  writeList(writer, record.outbox, (entry) => writeOutboxEntry(writer, entry));
  writeList(writer, record.journal, (entry) => writeJournalEntry(writer, entry));
  writeOptional(writer, record.pendingCommit, (entry) => writePendingCommit(writer, entry, codec));
  writeOptional(writer, record.commitSpentInEpoch, (epoch) => writer.uint64(epoch));
  writer.bytes(encodePins(record.pins));
  writeSince(writer, record.admissions.sinceMs);
  writeList(writer, record.admissions.leaves, (leaf) => writeSeenLeaf(writer, leaf));
  return writer.finish();
}

/**
 * The inverse of {@link encodeChannel}, for what any version wrote up to this one. Throws if `body` is anything else.
 *
 * @param format of the record that `body` was in
 */
export function decodeChannel(body: Uint8Array, codec: GroupCodec, format: number = STORE_FORMAT): ChannelRecord {
  const reader = new BinaryReader(body);
  const record: ChannelRecord = {
    name: parseChannelName(reader.string()),
    idKey: readBytes(reader),
    group: codec.decode(readBytes(reader)),
    cursor: readCursor(reader),
    outbox: readList(reader, () => readOutboxEntry(reader)),
    journal: readList(reader, () => readJournalEntry(reader)),
    pendingCommit: readOptional(reader, () => readPendingCommit(reader, codec)),
    commitSpentInEpoch: readOptional(reader, () => readEpoch(reader)),
    pins: decodePins(readBytes(reader)),
    admissions:
      format < ADMISSIONS_FORMAT
        ? NO_ADMISSIONS
        : { sinceMs: readSince(reader), leaves: readList(reader, () => readSeenLeaf(reader)) },
  };
  expectEnd(reader);
  return record;
}

/** Writes a cursor: which of the two it is, and its number. */
export function writeCursor(writer: BinaryWriter, cursor: Cursor): void {
  if ('afterSeq' in cursor) writer.bool(false).uint64(cursor.afterSeq);
  else writer.bool(true).uint64(cursor.afterCommitOfEpoch);
}

/** The inverse of {@link writeCursor}. */
export function readCursor(reader: BinaryReader): Cursor {
  return reader.bool() ? { afterCommitOfEpoch: readEpoch(reader) } : { afterSeq: readCount(reader) };
}

/** Writes an outbox entry. Since format 2 one with a header begins with an empty id, and the header. */
export function writeOutboxEntry(writer: BinaryWriter, entry: OutboxEntry): void {
  if (entry.header !== undefined) writer.bytes(NO_ID).bytes(entry.header);
  writer.bytes(entry.messageId).bytes(entry.payload);
}

/** The inverse of {@link writeOutboxEntry}. */
export function readOutboxEntry(reader: BinaryReader): OutboxEntry {
  const first = readBytes(reader);
  if (first.length > 0) return { messageId: first, payload: readBytes(reader) };
  const header = readBytes(reader);
  return { messageId: readBytes(reader), payload: readBytes(reader), header };
}

/** Writes a journal entry. Since format 2 one with a header begins with position 0, and the header. */
export function writeJournalEntry(writer: BinaryWriter, entry: JournalEntry): void {
  if (entry.header !== undefined) writer.uint64(0).bytes(entry.header);
  // The time as a double: a clock may tell fractions of a millisecond.
  writer.uint64(entry.seq).uint64(entry.epoch).bytes(entry.sender).bytes(entry.payload).double(entry.receivedAtMs);
}

/** The inverse of {@link writeJournalEntry}. */
export function readJournalEntry(reader: BinaryReader): JournalEntry {
  const first = readCount(reader);
  const header = first === 0 ? readBytes(reader) : undefined;
  return {
    seq: first === 0 ? readCount(reader) : first,
    epoch: readEpoch(reader),
    sender: readBytes(reader),
    payload: readBytes(reader),
    receivedAtMs: reader.double(),
    ...(header && { header }),
  };
}

/** Writes a pending commit with the whole group that it leads to. */
export function writePendingCommit(writer: BinaryWriter, entry: PendingCommitEntry, codec: GroupCodec): void {
  writer.bytes(entry.messageId).uint64(entry.epoch).bytes(entry.commit);
  writeOptional(writer, entry.welcome, (welcome) => writer.bytes(welcome));
  writeList(writer, entry.welcomeRefs, (ref) => writer.bytes(ref));
  writer.bytes(codec.encode(entry.next));
}

/** The inverse of {@link writePendingCommit}. */
export function readPendingCommit(reader: BinaryReader, codec: GroupCodec): PendingCommitEntry {
  return {
    messageId: readBytes(reader),
    epoch: readEpoch(reader),
    commit: readBytes(reader),
    welcome: readOptional(reader, () => readBytes(reader)),
    welcomeRefs: readList(reader, () => readBytes(reader)),
    next: codec.decode(readBytes(reader)),
  };
}

/** Writes since when admissions are watched. As a double: a clock may tell fractions of a millisecond. */
export function writeSince(writer: BinaryWriter, sinceMs: number | undefined): void {
  writeOptional(writer, sinceMs, (value) => writer.double(value));
}

/** The inverse of {@link writeSince}. */
export function readSince(reader: BinaryReader): number | undefined {
  return readOptional(reader, () => reader.double());
}

/** Writes a leaf that was seen coming. */
export function writeSeenLeaf(writer: BinaryWriter, leaf: SeenLeaf): void {
  writer.bytes(leaf.leafTag).bytes(leaf.identityTag);
  writeOptional(writer, leaf.inviteId, (id) => writer.bytes(id));
  writer.double(leaf.seenAtMs).double(leaf.expiresAtMs).uint64(leaf.epoch).uint64(leaf.seq);
}

/** The inverse of {@link writeSeenLeaf}. */
export function readSeenLeaf(reader: BinaryReader): SeenLeaf {
  return {
    leafTag: readBytes(reader),
    identityTag: readBytes(reader),
    inviteId: readOptional(reader, () => readBytes(reader)),
    seenAtMs: reader.double(),
    expiresAtMs: reader.double(),
    epoch: readEpoch(reader),
    seq: readCount(reader),
  };
}
