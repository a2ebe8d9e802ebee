import { ENTRY_OVERHEAD_BYTES, EntryWriter } from '../entry-codec.ts';
import type { EntryFields } from '../entry-codec.ts';
import type { EntryRun } from '../entry-run.ts';
import type { LogPage, PageLimit } from '../log-engine.ts';
import { RunBuilder } from '../run-builder.ts';
import type { ChannelFold } from './channel-fold.ts';
import { recordOf } from './log-record.ts';
import type { LogRecord } from './log-record.ts';
import { stampOf, submissionAt } from './record-reader.ts';
import type { RecordReader } from './record-reader.ts';

/** Records that one page asks for at once. */
const AHEAD = 32;

/** Entries of a channel as one run. */
export function runOf(fields: readonly EntryFields[]): EntryRun {
  const capacity = fields.reduce((sum, { payload }) => sum + payload.length + ENTRY_OVERHEAD_BYTES, 0);
  const writer = new EntryWriter(capacity);
  const run = new RunBuilder(writer, fields[0]?.prevSeq ?? 0);
  for (const entry of fields) {
    writer.append(entry);
    run.add(entry.seq);
  }
  const { bytes, ...rest } = run.finish();
  // A plain view: what is read from it should not be Buffers here and byte strings there.
  return { ...rest, bytes: new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length) };
}

/**
 * Reads a page of a channel. Which entries there are, and in which order, is what was folded; the stream only holds their
 * payloads.
 */
export async function readPage(
  reader: RecordReader,
  stream: string,
  channel: ChannelFold,
  afterSeq: number,
  limit: PageLimit,
): Promise<LogPage> {
  for (;;) {
    const { seqs, prevSeq } = channel.after(afterSeq, limit.entries);
    const headSeq = channel.headSeq;
    const isBehind = afterSeq < channel.trimmedSeq;
    const resumesAtSeq = isBehind ? (seqs[0] ?? channel.trimmedSeq + 1) : undefined;
    if (seqs.length === 0) return { run: undefined, resumesAtSeq, headSeq };

    const { fields, missing } = await readEntries(reader, stream, seqs, prevSeq, limit.bytes);
    if (missing === undefined) return { run: runOf(fields), resumesAtSeq, headSeq };
    // The servers' own retention is a little ahead of the relays'. What it has taken is trimmed.
    channel.trim(missing);
  }
}

async function readEntries(
  reader: RecordReader,
  stream: string,
  seqs: readonly number[],
  before: number,
  maxBytes: number,
): Promise<{ readonly fields: readonly EntryFields[]; readonly missing: number | undefined }> {
  const positions = [...new Set(seqs.map(recordOf))];
  const records = new Map<number, Promise<LogRecord | undefined>>();
  const fields: EntryFields[] = [];
  let asked = 0;
  let bytes = 0;
  let prevSeq = before;
  try {
    for (const seq of seqs) {
      const position = recordOf(seq);
      while (asked < positions.length && asked < positions.indexOf(position) + AHEAD) {
        const next = positions[asked++] as number;
        records.set(next, reader.record(stream, next));
      }
      const record = await records.get(position);
      if (record === undefined) return { fields, missing: seq };
      const { kind, epoch, messageId, payload = new Uint8Array() } = submissionAt(record, seq);
      bytes += payload.length + ENTRY_OVERHEAD_BYTES;
      if (fields.length > 0 && bytes > maxBytes) break;
      fields.push({ seq, prevSeq, kind, epoch, messageId, payload, storedAtMs: stampOf(record) });
      prevSeq = seq;
    }
    return { fields, missing: undefined };
  } finally {
    // Those that were asked for and are not needed any more.
    await Promise.allSettled(records.values());
  }
}
