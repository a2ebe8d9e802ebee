import { MlsError, type SkytaleError, TransportError } from '../../base/errors.ts';
import type { ChannelRecord } from '../../mls/index.ts';
import type { LogEntry } from '../../transport/index.ts';
import type { CommitDesk } from './commit-desk.ts';
import type { ConfirmationDesk } from './confirmation-desk.ts';
import type { CreditGate } from './credit-gate.ts';
import type { DeliveryJournal } from './delivery-journal.ts';
import type { Housekeeping } from './housekeeping.ts';
import type { ForkDesk } from './fork-desk.ts';
import { type Halt, type IntakeStep, takeEntries } from './intake.ts';
import type { OutboxDesk } from './outbox-desk.ts';
import type { Workbench } from './workbench.ts';

/** How often a commit is tried before the channel is stuck on it. It is never skipped. */
const COMMIT_ATTEMPTS = 2;

/** How reading has ended for good. */
export interface ReadingEnd {
  readonly status: 'stuck' | 'rolled-back' | 'forked';
  readonly error: SkytaleError;
}

/** What the reader tells of what it has read. */
export interface LogReaderParts {
  readonly outbox: OutboxDesk;
  readonly commits: CommitDesk;
  readonly journal: DeliveryJournal;
  readonly credit: CreditGate;
  readonly forks: ForkDesk;
  readonly housekeeping: Housekeeping;
  readonly confirmations: ConfirmationDesk;
}

/** The way of a message in: read, made durable, shown. */
export class LogReader {
  readonly #bench: Workbench;
  readonly #parts: LogReaderParts;
  /** Whether what is read was in the log before this connection, or came while it was up. */
  phase: 'replay' | 'live' = 'replay';
  /** Behind a gap, the first entry does not name the one that was read last. */
  #resumesAtSeq: number | undefined;
  #failedCommit = { seq: 0, failures: 0 };
  /** Steps whose record is not known to be on disk, oldest first. One or two. */
  #unshown: IntakeStep[] = [];

  constructor(bench: Workbench, parts: LogReaderParts) {
    this.#bench = bench;
    this.#parts = parts;
  }

  /** A new connection: what it brings first was in the log before. */
  restart(): void {
    this.phase = 'replay';
    this.#resumesAtSeq = undefined;
  }

  /**
   * The record was read from the store again. If a write had reached the disk without our hearing of it, the log will
   * not bring its messages another time: they are shown now.
   */
  recover(): void {
    const unshown = this.#unshown;
    this.#unshown = [];
    this.restart();
    const seq = seqOf(this.#bench.keeper.record);
    for (const step of unshown) if (seqOf(step.record) <= seq) this.#show(step, this.#bench.keeper.record);
  }

  /** Entries are gone for ever; reading goes on behind them. */
  skipTo(resumesAtSeq: number): void {
    this.#resumesAtSeq = resumesAtSeq;
  }

  /**
   * Reads entries. Returns how and why reading must end here for good, if it must.
   *
   * @throws what makes the actor start over from its store: a write that failed, a broken chain, a commit that could
   * not be applied at the first attempt
   */
  async read(entries: readonly LogEntry[]): Promise<ReadingEnd | undefined> {
    const { keeper, ports, ids } = this.#bench;
    for (let rest = entries; rest.length > 0 && keeper.record.group.isActive; ) {
      const step = await takeEntries(keeper.record, rest, {
        engine: ports.engine,
        ids,
        nowMs: ports.clock.now(),
        phase: this.phase,
        isJournalled: this.#parts.journal.isOn,
        resumesAtSeq: this.#resumesAtSeq,
      });
      if (step.taken > 0) await this.#apply(step);
      if (step.halt !== undefined) return this.#halt(step.halt);
      rest = rest.slice(step.taken);
    }
    return undefined;
  }

  async #apply(step: IntakeStep): Promise<void> {
    const { keeper } = this.#bench;
    const { outbox, confirmations } = this.#parts;
    this.#resumesAtSeq = undefined;
    for (const verdict of step.verdicts) {
      if (verdict.kind === 'stored') outbox.stored(verdict.messageId, verdict.seq, verdict.epoch);
    }
    const record = confirmations.confirm(outbox.sweep(step.record), 'delivered', step.delivered);
    if (!step.mustBeDurable) {
      keeper.defer(record);
      this.#show(step, keeper.visible);
      return;
    }
    this.#unshown.push(step);
    await keeper.write(record, () => {
      this.#unshown.shift();
      this.#show(step, record);
    });
    // Whatever is staged next stands on the new epoch, and nothing may be shown as if it were older.
    if (record.group.epoch !== keeper.durable.group.epoch || !record.group.isActive) await keeper.close();
  }

  /** State first, then the events that tell of it. */
  #show(step: IntakeStep, record: ChannelRecord): void {
    const { events, verdicts, taken } = step;
    const { output } = this.#bench;
    const { outbox, commits, journal, housekeeping, credit, forks } = this.#parts;
    output.show(record, outbox.unsettled);
    for (const verdict of verdicts) {
      if (verdict.kind === 'won') commits.won(verdict.commit, verdict.seq);
      if (verdict.kind === 'lost') commits.lost();
    }
    output.emit(events);
    housekeeping.observe(events);
    forks.observe(step);
    journal.offer(events.filter((event) => event.kind === 'message'));
    credit.processed(taken);
  }

  #halt(halt: Halt): ReadingEnd {
    const { entry } = halt;
    if (halt.kind === 'rolled-back') {
      const detail = `entry ${entry.seq} is our own, and unknown here: the data directory is an old copy`;
      const error = new MlsError('rolled_back', detail);
      this.#bench.output.fault({ kind: 'rolled-back', seq: entry.seq, error });
      return { status: 'rolled-back', error };
    }
    if (halt.kind === 'broken-chain') {
      throw new TransportError(
        'protocol_error',
        `entry ${entry.seq} does not follow the one that was read last: reading again from there`,
      );
    }
    const isRepeated = this.#failedCommit.seq === entry.seq;
    this.#failedCommit = { seq: entry.seq, failures: isRepeated ? this.#failedCommit.failures + 1 : 1 };
    if (this.#failedCommit.failures < COMMIT_ATTEMPTS) throw halt.error;
    this.#bench.output.fault({ kind: 'stuck', seq: entry.seq, error: halt.error });
    return { status: 'stuck', error: halt.error };
  }
}

function seqOf({ cursor }: ChannelRecord): number {
  return 'afterSeq' in cursor ? cursor.afterSeq : 0;
}
