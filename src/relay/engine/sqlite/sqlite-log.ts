import type { ChannelName } from '../../../base/channel-name.ts';
import type { AccountId } from '../../access/principal.ts';
import type {
  Access,
  AccessChange,
  AppendRequest,
  ChannelState,
  LogPage,
  PageLimit,
  StoredWelcome,
  Usage,
} from '../log-engine.ts';
import type { LogRules } from '../log-rules.ts';
import { Appender } from './appender.ts';
import type { BatchOutcome } from './appender.ts';
import type { HighWaterMarks } from './high-water-marks.ts';
import { LogReader } from './log-reader.ts';
import type { LogStatements } from './log-statements.ts';
import { LogTransaction } from './log-transaction.ts';
import { isFileFailure } from './segment-files.ts';
import type { SegmentFiles } from './segment-files.ts';
import type { SqlDatabase } from './sql-database.ts';

/** What became of a question or a request that may change who is a member. */
export interface AccessOutcome<Result> {
  readonly result: Result;
  readonly accessChanges: readonly AccessChange[];
}

/** What `selectWelcome` selects. The owner is the account that it was handed to. */
type WelcomeRow = [
  channel: ChannelName,
  commitSeq: number,
  payload: Uint8Array,
  owner: AccountId | null,
  hasAdmitted: number,
];

/** Segments deleted in one transaction, so that a trim never holds up appends for long. */
const TRIM_SLICE = 64;

/** The log on one SQLite connection: synchronous, for the thread that owns the connection. */
export class SqliteLog {
  readonly #database: SqlDatabase;
  readonly #marks: HighWaterMarks;
  readonly #files: SegmentFiles;
  readonly #sql: LogStatements;
  readonly #log: LogTransaction;
  readonly #appender: Appender;
  readonly #reader: LogReader;

  constructor(database: SqlDatabase, marks: HighWaterMarks, files: SegmentFiles, sql: LogStatements, rules: LogRules) {
    this.#database = database;
    this.#marks = marks;
    this.#files = files;
    this.#sql = sql;
    this.#log = new LogTransaction(database, marks, sql, files);
    this.#appender = new Appender(this.#log, rules);
    this.#reader = new LogReader(sql, this.#log.segments);
    this.#log.segments.tidy();
  }

  /**
   * Judges and stores all requests in one transaction, which is durable when this returns.
   *
   * @throws the driver's error; then nothing was stored.
   */
  append(requests: readonly AppendRequest[], clockMs: number, spare?: ArrayBuffer): BatchOutcome {
    return this.#appender.append(requests, clockMs, spare);
  }

  /** @throws {@link RuntimeError} `store_damaged` if an entry is not what was written. */
  read(name: ChannelName, afterSeq: number, limit: PageLimit, spare?: ArrayBuffer): LogPage {
    return this.#reader.read(name, afterSeq, limit, spare);
  }

  state(name: ChannelName): ChannelState | undefined {
    const { group, headSeq, epoch } = this.#log.channels.get(name);
    return group === undefined ? undefined : { group, headSeq, epoch: BigInt(epoch) };
  }

  commitSeq(name: ChannelName, epoch: bigint): number | undefined {
    if (epoch > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
    return this.#sql.selectCommit.first([name, Number(epoch)])?.[0] as number | undefined;
  }

  welcome(keyPackageRef: Uint8Array, account?: AccountId): AccessOutcome<StoredWelcome | 'taken' | undefined> {
    const row = this.#sql.selectWelcome.first([keyPackageRef]);
    if (row === undefined) return { result: undefined, accessChanges: [] };
    const [channel, commitSeq, payload, owner, hasAdmitted] = row as WelcomeRow;
    const isOwner = owner === account;
    if (account !== undefined && owner !== null && !isOwner) return { result: 'taken', accessChanges: [] };
    const result = { channel, commitSeq, payload };
    if (account === undefined || (isOwner && hasAdmitted === 1)) return { result, accessChanges: [] };
    const claim = (): void => void this.#sql.claimWelcome.run([account, keyPackageRef]);
    return { result, accessChanges: this.#change('admitted', channel, account, claim) };
  }

  access(name: ChannelName, account: AccountId): Access {
    return this.#log.members.access(this.#log.channels.get(name), account);
  }

  admit(name: ChannelName, account: AccountId): AccessOutcome<boolean> {
    const access = this.access(name, account);
    if (access !== 'stranger') return { result: access === 'member', accessChanges: [] };
    return { result: true, accessChanges: this.#change('admitted', name, account) };
  }

  expel(name: ChannelName, account: AccountId): AccessOutcome<boolean> {
    const accessChanges = this.#change('expelled', name, account);
    return { result: accessChanges.length > 0, accessChanges };
  }

  usage(account: AccountId, monthStartMs: number): Usage {
    return { monthStartMs, messages: this.#log.usage.messagesIn(account, monthStartMs) };
  }

  /** Deletes one slice of a channel's entries up to `upToSeq`; returns how many, 0 when there is nothing left to delete. */
  trimSlice(name: ChannelName, upToSeq: number): number {
    const { id, headSeq, trimmedSeq } = this.#log.channels.get(name);
    const limit = Math.min(upToSeq, headSeq);
    if (limit <= trimmedSeq) return 0;
    const trimmed = this.#log.run(() => {
      const { entries, upToSeq: reached } = this.#log.segments.trim(id, limit, TRIM_SLICE);
      if (entries > 0) this.#log.channels.setTrimmed(id, reached);
      return entries;
    });
    this.#log.segments.tidy();
    return trimmed;
  }

  /** Deletes one slice of what was stored before `timeMs`; returns how many entries. */
  trimStoredBeforeSlice(timeMs: number): number {
    this.#sql.deleteWelcomeRefs.run([timeMs]);
    this.#sql.deleteWelcomes.run([timeMs]);
    const segments = this.#log.segments.oldest(TRIM_SLICE).filter(({ storedAtMs }) => storedAtMs < timeMs);
    if (segments.length === 0) return 0;
    const trimmed = this.#log.run(() => {
      const upTo = new Map(segments.map(({ channel, lastSeq }) => [channel, lastSeq]));
      for (const [channel, seq] of upTo) this.#log.channels.setTrimmed(channel, seq);
      return this.#log.segments.delete(segments);
    });
    this.#log.segments.tidy();
    return trimmed;
  }

  /** Deletes ids of trimmed entries from a part of the index; returns whether there is another part. */
  sweepIdsSlice(): boolean {
    const trimmed = new Map<number, number>();
    const trimmedSeq = (channel: number): number => {
      const seq = trimmed.get(channel) ?? Number(this.#sql.selectTrimmed.first([channel])?.[0] ?? 0);
      trimmed.set(channel, seq);
      return seq;
    };
    return this.#log.run(() => this.#log.ids.sweepSlice(trimmedSeq));
  }

  /** Whether {@link SqliteLog.tidyUp} has something to do. */
  get isUntidy(): boolean {
    return this.#log.ids.isFilingDue;
  }

  /** Does a part of what can wait until nobody asks for anything, which takes a few milliseconds. */
  tidyUp(): void {
    this.#log.run(() => this.#log.ids.fileWhenIdle());
  }

  /** Facts for an operator. */
  details(): Record<string, number> {
    const [losses] = this.#sql.selectLosses.first([]) as [number, number];
    return {
      channels: this.#log.channels.count,
      entries: Number(this.#sql.countEntries.first([])?.[0]),
      databaseBytes: Number(this.#database.pragma('page_count')) * Number(this.#database.pragma('page_size')),
      entryFileBytes: this.#files.bytes,
      unfiledIds: this.#log.ids.unfiled,
      acceptedLosses: losses,
    };
  }

  /** Whether the last high-water mark could not be written. */
  get isMarkBehind(): boolean {
    return this.#marks.isBehind;
  }

  /** Writes `bytes` and deletes them again. @throws the driver's error if there is no room for them. */
  probe(bytes: number): void {
    this.#sql.fillProbe.run([bytes]);
    this.#sql.emptyProbe.run([]);
  }

  /** Whether nothing more may be written after this error: the device failed, or the database is damaged. */
  isFinal(error: unknown): boolean {
    return this.#database.isDeviceFailure(error) || this.#database.isDamaged(error) || isFileFailure(error);
  }

  /** Whether the error says that the database is damaged. */
  isDamage(error: unknown): boolean {
    return this.#database.isDamaged(error);
  }

  close(): void {
    this.#database.close();
    this.#files.close();
    this.#marks.close();
  }

  /** Adds or removes a member, with `also` in the same transaction; returns what has changed. */
  #change(kind: AccessChange['kind'], name: ChannelName, account: AccountId, also?: () => void): AccessChange[] {
    const channel = this.#log.channels.get(name);
    if (channel.id === 0) return [];
    const { members } = this.#log;
    const hasChanged = this.#log.run(() => {
      const isNew = kind === 'admitted' ? members.add(channel, account) : members.remove(channel, account);
      if (isNew) this.#log.save(channel);
      also?.();
      return isNew;
    });
    return hasChanged ? [{ kind, channel: name, account }] : [];
  }
}
