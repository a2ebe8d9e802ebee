import { crc32 } from 'node:zlib';
import type { ChannelName } from '../../../base/channel-name.ts';
import { RuntimeError } from '../../../base/errors.ts';
import type { PublishAnswer, Submission } from '../../../transport/index.ts';
import { ENTRY_OVERHEAD_BYTES, EntryWriter } from '../entry-codec.ts';
import type { Appended, AppendRequest, ChannelState, LogPage, PageLimit, StoredWelcome } from '../log-engine.ts';
import { refusalOf } from '../log-rules.ts';
import type { LogRules } from '../log-rules.ts';
import { RunBuilder } from '../run-builder.ts';
import { prepareStatements } from './log-statements.ts';
import type { LogStatements } from './log-statements.ts';
import type { SqlDatabase } from './sql-database.ts';

/** A channel's row, or what it will be once something is stored. */
interface Channel {
  /** 0 until there is a row. */
  id: number;
  group: Uint8Array | undefined;
  headSeq: number;
  epoch: number;
}

/** What one transaction did. All runs lie in one buffer. */
export interface AppendOutcome {
  /** Per request, per submission. */
  readonly answers: readonly (readonly PublishAnswer[])[];
  readonly appended: readonly Appended[];
}

/** Rows deleted in one transaction, so that a trim never holds up appends for long. */
const TRIM_SLICE = 1000;
/** Channels whose state is remembered; beyond that all are forgotten and read again. */
const MAX_CACHED_CHANNELS = 50_000;

/** The log on one SQLite connection: synchronous, for the thread that owns the connection. */
export class SqliteLog {
  readonly #database: SqlDatabase;
  readonly #rules: LogRules;
  readonly #sql: LogStatements;
  readonly #channels = new Map<ChannelName, Channel>();
  /** Never goes back, whatever the wall clock does: retention takes rows from the oldest on. */
  #storedAtMs: number;

  constructor(database: SqlDatabase, rules: LogRules) {
    this.#database = database;
    this.#rules = rules;
    this.#sql = prepareStatements(database);
    this.#storedAtMs = Number(this.#sql.lastStoredAt.first([])?.[0] ?? 0);
  }

  /**
   * Judges and stores all requests in one transaction, which is durable when this returns.
   *
   * @throws the driver's error; then nothing was stored.
   */
  append(requests: readonly AppendRequest[], nowMs: number): AppendOutcome {
    this.#storedAtMs = Math.max(this.#storedAtMs, Math.floor(nowMs));
    const writer = new EntryWriter(capacityFor(requests));
    const answers: PublishAnswer[][] = requests.map(() => []);
    const appended: Appended[] = [];
    this.#transaction(() => {
      for (const [name, indices] of byChannel(requests)) {
        const channel = this.#channel(name);
        const run = new RunBuilder(writer, channel.headSeq);
        for (const index of indices) {
          const request = requests[index] as AppendRequest;
          answers[index] = request.submissions.map((submission) =>
            this.#judge(name, channel, request.group, submission, run),
          );
        }
        if (run.seqs.length === 0) continue;
        this.#sql.updateChannel.run([channel.headSeq, channel.epoch, channel.id]);
        appended.push({
          channel: name,
          group: channel.group as Uint8Array,
          run: run.finish(),
          welcomeRefs: run.welcomeRefs,
        });
      }
    });
    return { answers, appended };
  }

  /** @throws {@link RuntimeError} `store_damaged` if an entry is not what was written. */
  read(name: ChannelName, afterSeq: number, limit: PageLimit): LogPage {
    const row = this.#sql.selectChannel.first([name]);
    if (row === undefined) return { run: undefined, resumesAtSeq: undefined, headSeq: 0 };
    const [id, , headSeq, , trimmedSeq] = row as [number, Uint8Array, number, number, number];
    const from = Math.max(afterSeq, trimmedSeq);
    const resumesAtSeq = afterSeq < trimmedSeq ? trimmedSeq + 1 : undefined;
    const rows = this.#sql.selectEntries.all([id, from, limit.entries]) as [number, number, Uint8Array][];
    if (rows.length === 0) return { run: undefined, resumesAtSeq, headSeq };

    let bytes = 0;
    let count = 0;
    for (const [seq, checksum, entry] of rows) {
      bytes += entry.length + ENTRY_OVERHEAD_BYTES;
      if (count > 0 && bytes > limit.bytes) break;
      count += 1;
      if (seq !== from + count || crc32(entry) !== checksum) {
        throw new RuntimeError('store_damaged', `entry ${from + count} of a channel is not what was written`);
      }
    }
    const writer = new EntryWriter(bytes);
    const run = new RunBuilder(writer, from);
    for (const [seq, , entry] of rows.slice(0, count)) {
      writer.encoded(entry);
      run.add(seq);
    }
    return { run: run.finish(), resumesAtSeq, headSeq };
  }

  state(name: ChannelName): ChannelState | undefined {
    const { group, headSeq, epoch } = this.#channel(name);
    return group === undefined ? undefined : { group, headSeq, epoch: BigInt(epoch) };
  }

  commitSeq(name: ChannelName, epoch: bigint): number | undefined {
    if (epoch > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
    return this.#sql.selectCommit.first([name, Number(epoch)])?.[0] as number | undefined;
  }

  welcome(keyPackageRef: Uint8Array): StoredWelcome | undefined {
    const row = this.#sql.selectWelcome.first([keyPackageRef]);
    if (row === undefined) return undefined;
    const [channel, commitSeq, payload] = row as [ChannelName, number, Uint8Array];
    return { channel, commitSeq, payload };
  }

  /** Deletes one slice of a channel's entries up to `upToSeq`; returns how many, 0 when there is nothing left to delete. */
  trimSlice(name: ChannelName, upToSeq: number): number {
    const { id, headSeq } = this.#channel(name);
    const limit = Math.min(upToSeq, headSeq);
    return id === 0 ? 0 : this.#trim(this.#sql.trimmableOfChannel.all([id, limit, TRIM_SLICE]));
  }

  /** Deletes one slice of what was stored before `timeMs`; returns how many entries. */
  trimStoredBeforeSlice(timeMs: number): number {
    this.#sql.deleteWelcomeRefs.run([timeMs]);
    this.#sql.deleteWelcomes.run([timeMs]);
    const rows = this.#sql.oldestEntries.all([TRIM_SLICE]) as [number, number, number, number][];
    return this.#trim(rows.filter(([, , , storedAtMs]) => storedAtMs < timeMs));
  }

  close(): void {
    this.#database.close();
  }

  #judge(
    name: ChannelName,
    channel: Channel,
    group: Uint8Array,
    submission: Submission,
    run: RunBuilder,
  ): PublishAnswer {
    const facts = { channel, channels: 0, nowMs: this.#storedAtMs, stampMs: this.#storedAtMs };
    const refusal = refusalOf(facts, group, submission, this.#rules);
    const { messageId } = submission;
    if (refusal !== undefined) {
      const known = refusal.reason === 'foreign-group' ? undefined : this.#sql.selectId.first([channel.id, messageId]);
      return known === undefined ? refusal : { kind: 'accepted', seq: known[0] as number, duplicate: true };
    }
    if (channel.id === 0) this.#create(name, channel, group);
    const seq = channel.headSeq + 1;
    if (this.#sql.insertId.run([channel.id, messageId, seq]) === 0) {
      const known = this.#sql.selectId.first([channel.id, messageId]) as readonly [number];
      return { kind: 'accepted', seq: known[0], duplicate: true };
    }
    this.#store(channel, submission, seq, run);
    return { kind: 'accepted', seq, duplicate: false };
  }

  #store(channel: Channel, submission: Submission, seq: number, run: RunBuilder): void {
    const { kind, messageId, payload, welcomes = [] } = submission;
    const storedAtMs = this.#storedAtMs;
    const epoch = Number(submission.epoch); // the rules let nothing above the channel's own epoch pass
    const entry = run.writer.entry({ seq, prevSeq: channel.headSeq, kind, epoch, messageId, payload, storedAtMs });
    run.add(seq);
    this.#sql.insertEntry.run([channel.id, seq, storedAtMs, messageId, crc32(entry), entry]);
    channel.headSeq = seq;
    if (kind !== 'commit') return;
    this.#sql.insertCommit.run([channel.id, epoch, seq]);
    channel.epoch = epoch + 1;
    for (const [part, { keyPackageRefs, payload: welcome }] of welcomes.entries()) {
      this.#sql.insertWelcome.run([channel.id, seq, part, storedAtMs, welcome]);
      for (const ref of keyPackageRefs) {
        this.#sql.upsertWelcomeRef.run([ref, channel.id, seq, part, storedAtMs]);
        run.welcomeRefs.push(new Uint8Array(ref)); // a view would take the whole batch along to the other thread
      }
    }
  }

  #create(name: ChannelName, channel: Channel, group: Uint8Array): void {
    this.#sql.insertChannel.run([name, group]);
    channel.id = (this.#sql.selectChannel.first([name]) as readonly [number])[0];
    channel.group = new Uint8Array(group);
  }

  #channel(name: ChannelName): Channel {
    const cached = this.#channels.get(name);
    if (cached !== undefined) return cached;
    const row = this.#sql.selectChannel.first([name]);
    if (row === undefined) return { id: 0, group: undefined, headSeq: 0, epoch: 0 };
    const [id, group, headSeq, epoch] = row as [number, Uint8Array, number, number];
    const channel = { id, group: new Uint8Array(group), headSeq, epoch };
    if (this.#channels.size >= MAX_CACHED_CHANNELS) this.#channels.clear();
    this.#channels.set(name, channel);
    return channel;
  }

  /** @param rows id, channel, seq, in log order */
  #trim(rows: readonly (readonly unknown[])[]): number {
    if (rows.length === 0) return 0;
    const trimmedSeqs = new Map<number, number>();
    this.#transaction(() => {
      for (const [id, channel, seq] of rows as [number, number, number][]) {
        this.#sql.deleteId.run([id]);
        this.#sql.deleteEntry.run([id]);
        trimmedSeqs.set(channel, seq);
      }
      for (const [channel, seq] of trimmedSeqs) this.#sql.updateTrimmed.run([seq, channel]);
    });
    return rows.length;
  }

  /** All of `work` is durable when this returns, or none of it is stored and the driver's error is thrown. */
  #transaction(work: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.#database.exec('COMMIT');
    } catch (error) {
      this.#channels.clear(); // they were counted up on the way
      // When the disk is full, SQLite has rolled back by itself.
      if (this.#database.isInTransaction()) this.#database.exec('ROLLBACK');
      throw error;
    }
  }
}

function byChannel(requests: readonly AppendRequest[]): Map<ChannelName, number[]> {
  const indices = new Map<ChannelName, number[]>();
  requests.forEach(({ channel }, index) => {
    const known = indices.get(channel);
    if (known === undefined) indices.set(channel, [index]);
    else known.push(index);
  });
  return indices;
}

function capacityFor(requests: readonly AppendRequest[]): number {
  let bytes = 0;
  for (const { submissions } of requests) {
    for (const { payload } of submissions) bytes += payload.length + ENTRY_OVERHEAD_BYTES;
  }
  return bytes;
}
