import { ChannelTable } from './channel-table.ts';
import type { Channel } from './channel-table.ts';
import type { HighWaterMarks } from './high-water-marks.ts';
import type { LogStatements } from './log-statements.ts';
import { filedUpTo, MessageIds } from './message-ids.ts';
import { MemberTable } from './member-table.ts';
import type { SegmentFiles } from './segment-files.ts';
import { SegmentTable } from './segment-table.ts';
import type { SqlDatabase } from './sql-database.ts';
import { UsageTable } from './usage-table.ts';

/** The tables of the log that keep rows in memory, and transactions over them. */
export class LogTransaction {
  readonly sql: LogStatements;
  readonly channels: ChannelTable;
  readonly members: MemberTable;
  readonly usage: UsageTable;
  readonly segments: SegmentTable;
  readonly ids: MessageIds;
  readonly #database: SqlDatabase;
  readonly #marks: HighWaterMarks;
  readonly #touched = new Set<Channel>();

  constructor(database: SqlDatabase, marks: HighWaterMarks, sql: LogStatements, files: SegmentFiles) {
    this.#database = database;
    this.#marks = marks;
    this.sql = sql;
    this.channels = new ChannelTable(sql);
    this.members = new MemberTable(sql);
    this.usage = new UsageTable(sql);
    this.segments = new SegmentTable(database, filedUpTo(database), files);
    this.ids = new MessageIds(database, this.segments);
  }

  /** All of `work` is durable and marked when this returns, or none of it is stored and the driver's error is thrown. */
  run<Result>(work: () => Result): Result {
    this.#touched.clear();
    this.#database.exec('BEGIN IMMEDIATE');
    let result: Result;
    try {
      result = work();
      this.ids.file();
      this.segments.flush();
      this.#database.exec('COMMIT');
    } catch (error) {
      this.channels.forget(); // they were counted up on the way
      this.members.forget();
      this.usage.forget();
      this.ids.rollBack();
      this.segments.rollBack();
      // When the disk is full, SQLite has rolled back by itself.
      if (this.#database.isInTransaction()) this.#database.exec('ROLLBACK');
      throw error;
    }
    this.segments.commit();
    this.ids.commit();
    for (const channel of this.#touched) this.#marks.set(channel.id, channel.name, channel);
    this.#marks.write();
    return result;
  }

  /** Gives a channel its row, inside of {@link run}. */
  create(channel: Channel, group: Uint8Array): void {
    this.channels.create(channel, group);
    this.#marks.reserve(channel.id);
  }

  /** Writes what has changed about a channel, inside of {@link run}. */
  save(channel: Channel): void {
    this.channels.save(channel);
    this.#touched.add(channel);
  }
}
