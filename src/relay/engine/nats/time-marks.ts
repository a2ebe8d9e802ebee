import type { ByteReader, ByteWriter } from './byte-codec.ts';

/** Marks closer to each other than this are not made. What is trimmed by time is right to within it. */
const DISTANCE_MS = 1000;
/** Beyond this many, every second one of the older half goes. */
const MAX_MARKS = 8192;

/**
 * At which record of a shard which time began. Stamps never go back, so a mark separates the older from the newer. Coarse
 * for what is long ago: then a trim takes a little less than it might, never more.
 */
export class TimeMarks {
  #marks: { readonly record: number; readonly stampMs: number }[] = [];

  add(record: number, stampMs: number): void {
    const last = this.#marks.at(-1);
    if (last !== undefined && stampMs < last.stampMs + DISTANCE_MS) return;
    this.#marks.push({ record, stampMs });
    if (this.#marks.length > MAX_MARKS) {
      this.#marks = this.#marks.filter((_, index) => index >= MAX_MARKS / 2 || index % 2 === 0);
    }
  }

  /** The last record of which it is known that it was stamped before `timeMs`, 0 if of none. */
  lastBefore(timeMs: number, newest: { readonly record: number; readonly stampMs: number }): number {
    if (newest.stampMs < timeMs) return newest.record;
    let cut = 0;
    for (const { record, stampMs } of this.#marks) {
      // Records in front of a mark may be as new as the mark itself, less a millisecond.
      if (stampMs > timeMs) break;
      cut = record - 1;
    }
    return Math.max(0, cut);
  }

  /** Forgets what lies in front of `record`. */
  trim(record: number): void {
    const first = this.#marks.findIndex((mark) => mark.record >= record);
    this.#marks.splice(0, first === -1 ? Math.max(0, this.#marks.length - 1) : Math.max(0, first - 1));
  }

  writeTo(writer: ByteWriter): void {
    writer.rising(this.#marks.map(({ record }) => record));
    writer.rising(this.#marks.map(({ stampMs }) => stampMs));
  }

  static readFrom(reader: ByteReader): TimeMarks {
    const marks = new TimeMarks();
    const records = reader.rising();
    const stamps = reader.rising();
    marks.#marks = records.map((record, index) => ({ record, stampMs: stamps[index] ?? 0 }));
    return marks;
  }
}
