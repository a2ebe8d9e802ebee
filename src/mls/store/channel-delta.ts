import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { equalBytes } from '../../base/bytes.ts';
import { encodePins } from '../identity-pins.ts';
import type { SeenLeaf } from '../invite/admissions.ts';
import type { ChannelRecord, Cursor, JournalEntry, OutboxEntry } from './agent-store.ts';
import {
  readCursor,
  readJournalEntry,
  readOutboxEntry,
  readPendingCommit,
  readSeenLeaf,
  readSince,
  writeCursor,
  writeJournalEntry,
  writeOutboxEntry,
  writePendingCommit,
  writeSeenLeaf,
  writeSince,
} from './channel-encoding.ts';
import type { GroupCodec } from './group-codec.ts';
import { applyListChange, changeOfList } from './list-change.ts';
import type { ListChange } from './list-change.ts';
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

/** Bits of the first byte: which parts follow, in this order. */
const GROUP = 1;
const CURSOR = 2;
const OUTBOX = 4;
const JOURNAL = 8;
const PENDING_COMMIT = 16;
const COMMIT_SPENT = 32;
const ADMISSIONS = 64;

/**
 * What changed from `before` to `after`: the body of a delta record. `undefined` where only a new head can tell: another
 * epoch or group, another id key, other pins, or a group that the codec has no delta for.
 *
 * Values are immutable, so what is the same object has not changed.
 */
export function encodeDelta(before: ChannelRecord, after: ChannelRecord, codec: GroupCodec): Uint8Array | undefined {
  if (before.name !== after.name || !sameBytes(before.idKey, after.idKey)) return undefined;
  if (before.pins !== after.pins && !sameBytes(encodePins(before.pins), encodePins(after.pins))) return undefined;
  const group = groupChange(before, after, codec);
  if (group === 'whole') return undefined;
  const outbox = before.outbox === after.outbox ? NOTHING : changeOfList(before.outbox, after.outbox, sameOutboxEntry);
  const journal =
    before.journal === after.journal ? NOTHING : changeOfList(before.journal, after.journal, sameJournalEntry);
  const [oldLeaves, leaves] = [before.admissions.leaves, after.admissions.leaves];
  const seen = oldLeaves === leaves ? NOTHING : changeOfList(oldLeaves, leaves, sameSeenLeaf);

  let parts = 0;
  if (group !== 'same') parts |= GROUP;
  if (!sameCursor(before.cursor, after.cursor)) parts |= CURSOR;
  if (isChange(outbox)) parts |= OUTBOX;
  if (isChange(journal)) parts |= JOURNAL;
  if (before.pendingCommit !== after.pendingCommit) parts |= PENDING_COMMIT;
  if (before.commitSpentInEpoch !== after.commitSpentInEpoch) parts |= COMMIT_SPENT;
  if (before.admissions.sinceMs !== after.admissions.sinceMs || isChange(seen)) parts |= ADMISSIONS;

  const writer = new BinaryWriter().uint32(parts);
  if (group !== 'same') writer.bytes(group);
  if (parts & CURSOR) writeCursor(writer, after.cursor);
  if (parts & OUTBOX) writeListChange(writer, outbox, (entry) => writeOutboxEntry(writer, entry));
  if (parts & JOURNAL) writeListChange(writer, journal, (entry) => writeJournalEntry(writer, entry));
  if (parts & PENDING_COMMIT) {
    writeOptional(writer, after.pendingCommit, (entry) => writePendingCommit(writer, entry, codec));
  }
  if (parts & COMMIT_SPENT) writeOptional(writer, after.commitSpentInEpoch, (epoch) => writer.uint64(epoch));
  if (parts & ADMISSIONS) {
    writeSince(writer, after.admissions.sinceMs);
    writeListChange(writer, seen, (leaf) => writeSeenLeaf(writer, leaf));
  }
  return writer.finish();
}

/** The record that {@link encodeDelta} was told as `after`. Throws if `body` does not fit `before`. */
export function applyDelta(before: ChannelRecord, body: Uint8Array, codec: GroupCodec): ChannelRecord {
  const reader = new BinaryReader(body);
  const parts = reader.uint32();
  const { name, idKey, pins } = before;
  let { group, cursor, outbox, journal, pendingCommit, commitSpentInEpoch, admissions } = before;
  if (parts & GROUP) group = codec.apply(group, readBytes(reader));
  if (parts & CURSOR) cursor = readCursor(reader);
  if (parts & OUTBOX) outbox = applyListChange(outbox, readListChange(reader, readOutboxEntry));
  if (parts & JOURNAL) journal = applyListChange(journal, readListChange(reader, readJournalEntry));
  if (parts & PENDING_COMMIT) pendingCommit = readOptional(reader, () => readPendingCommit(reader, codec));
  if (parts & COMMIT_SPENT) commitSpentInEpoch = readOptional(reader, () => readEpoch(reader));
  if (parts & ADMISSIONS) {
    const sinceMs = readSince(reader);
    admissions = { sinceMs, leaves: applyListChange(admissions.leaves, readListChange(reader, readSeenLeaf)) };
  }
  expectEnd(reader);
  return { name, idKey, group, cursor, outbox, journal, pendingCommit, commitSpentInEpoch, pins, admissions };
}

const NOTHING = { removed: [], added: [] } as const;

function isChange(change: ListChange<unknown>): boolean {
  return change.removed.length > 0 || change.added.length > 0;
}

function groupChange(before: ChannelRecord, after: ChannelRecord, codec: GroupCodec): Uint8Array | 'same' | 'whole' {
  if (before.group === after.group) return 'same';
  if (before.group.epoch !== after.group.epoch) return 'whole';
  if (!sameBytes(before.group.groupId, after.group.groupId)) return 'whole';
  return codec.delta(before.group, after.group) ?? 'whole';
}

/** Positions as distances from the one before: a run of settled entries costs a byte each. */
function writeListChange<T>(writer: BinaryWriter, change: ListChange<T>, writeItem: (item: T) => void): void {
  let previous = 0;
  writeList(writer, change.removed, (position) => {
    writer.uint32(position - previous);
    previous = position;
  });
  writeList(writer, change.added, writeItem);
}

function readListChange<T>(reader: BinaryReader, readItem: (reader: BinaryReader) => T): ListChange<T> {
  let previous = 0;
  const removed = readList(reader, () => (previous += readCount(reader)));
  return { removed, added: readList(reader, () => readItem(reader)) };
}

function sameCursor(a: Cursor, b: Cursor): boolean {
  if ('afterSeq' in a) return 'afterSeq' in b && a.afterSeq === b.afterSeq;
  return 'afterCommitOfEpoch' in b && a.afterCommitOfEpoch === b.afterCommitOfEpoch;
}

function sameOutboxEntry(a: OutboxEntry, b: OutboxEntry): boolean {
  return a === b || (sameBytes(a.messageId, b.messageId) && sameBytes(a.payload, b.payload) && sameHeader(a, b));
}

function sameJournalEntry(a: JournalEntry, b: JournalEntry): boolean {
  if (a === b) return true;
  if (a.seq !== b.seq || a.epoch !== b.epoch || a.receivedAtMs !== b.receivedAtMs) return false;
  return sameBytes(a.sender, b.sender) && sameBytes(a.payload, b.payload) && sameHeader(a, b);
}

/** A leaf is written once and never changes. */
function sameSeenLeaf(a: SeenLeaf, b: SeenLeaf): boolean {
  return a === b || (sameBytes(a.leafTag, b.leafTag) && a.seq === b.seq && a.epoch === b.epoch);
}

function sameHeader({ header: a }: OutboxEntry | JournalEntry, { header: b }: OutboxEntry | JournalEntry): boolean {
  return a === b || (a !== undefined && b !== undefined && equalBytes(a, b));
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || equalBytes(a, b);
}
