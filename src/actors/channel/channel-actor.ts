import { type Clock, sleepUnlessAborted } from '../../base/clock.ts';
import {
  ChannelError,
  MlsError,
  RuntimeError,
  type SkytaleError,
  toSkytaleError,
  TransportError,
} from '../../base/errors.ts';
import type { Random } from '../../base/random.ts';
import type { AgentStore, ChannelRecord, JournalEntry, MlsEngine } from '../../mls/index.ts';
import { Backoff, yieldTurn } from '../../streams/index.ts';
import {
  type LinkEvent,
  type LogEntry,
  type PublishAnswer,
  refusalError,
  type RelayTransport,
  type Submission,
} from '../../transport/index.ts';
import type { ChannelMessage } from './channel-event.ts';
import type { ChannelControl, ChannelMailbox } from './channel-mailbox.ts';
import { ChannelOutput } from './channel-output.ts';
import { CommitDesk } from './commit-desk.ts';
import type { Consumer } from './consumer.ts';
import { type Halt, type IntakeStep, takeEntries } from './intake.ts';
import { LinkDriver } from './link-driver.ts';
import { MessageIds } from './message-id.ts';
import { isWorthDelaying, OutboxDesk, type OutgoingPayload } from './outbox-desk.ts';
import { RecordKeeper } from './record-keeper.ts';

/** The world around a channel. */
export interface ChannelPorts {
  readonly engine: MlsEngine;
  readonly store: AgentStore;
  readonly transport: RelayTransport;
  readonly clock: Clock;
  readonly random: Random;
}

/** Entries that are read, and written as one, before the event loop gets a turn. */
const INTAKE_BATCH = 64;
/** Journalled messages, and bytes, beyond which the relay gets no more credit. */
const JOURNAL_MESSAGES = 1024;
const JOURNAL_BYTES = 8 * 1024 * 1024;
/** How long a record may stay unwritten that fell behind on own messages only. */
const FLUSH_AFTER_MS = 1_000;
/** How often a commit is tried before the channel is stuck on it. It is never skipped. */
const COMMIT_ATTEMPTS = 2;

/**
 * The one writer of a channel: everything that reads or changes the group, the cursor or the outbox passes through its
 * mailbox, one turn after the other.
 *
 * It restarts by itself from the store when a turn fails; what waits in the mailbox stays, and so does everybody who
 * waits for an answer. Nothing ends it but its owner, a removal from the group, a refusal of the relay that will not
 * change, and a commit that could not be applied twice.
 */
export class ChannelActor {
  readonly output: ChannelOutput;
  readonly #ports: ChannelPorts;
  readonly #mailbox: ChannelMailbox;
  readonly #outbox = new OutboxDesk();
  readonly #commits = new CommitDesk();
  readonly #link: LinkDriver;
  readonly #ids: MessageIds;
  readonly #restarts: Backoff;
  readonly #retries: Backoff;
  readonly #stopNow = new AbortController();
  /** Taken from the mailbox and not handled yet. */
  #control: ChannelControl[] = [];
  #keeper: RecordKeeper;
  /** Journalled by an earlier run, which may or may not have shown them. */
  #unconfirmed: readonly JournalEntry[];
  #consumer: Consumer | undefined;
  #isFlowing = false;
  #isStopping = false;
  #phase: 'replay' | 'live' = 'replay';
  /** Whether everything in the log has been read on this connection. Only then is there a point in publishing. */
  #isCaughtUp = false;
  /** Behind a gap, the first entry does not name the one that was read last. */
  #resumesAtSeq: number | undefined;
  #failedCommit = { seq: 0, failures: 0 };
  #cancelRetry: (() => void) | undefined;
  #cancelFlush: (() => void) | undefined;
  #ended: SkytaleError | undefined;
  /** Resolves when the actor has terminated: with the reason if its record could not be written at the end. */
  readonly done: Promise<SkytaleError | undefined>;

  constructor(record: ChannelRecord, mailbox: ChannelMailbox, ports: ChannelPorts) {
    this.#ports = ports;
    this.#mailbox = mailbox;
    this.#ids = new MessageIds(record.idKey, ports.random);
    this.#restarts = new Backoff({}, ports);
    this.#retries = new Backoff({}, ports);
    this.#keeper = new RecordKeeper(record, ports.store);
    this.#link = new LinkDriver(ports.transport, (input) => this.#mailbox.tell(input));
    this.output = new ChannelOutput(record);
    this.#outbox.load(record);
    this.#unconfirmed = record.journal;
    this.done = this.#run();
  }

  /** Why nothing moves any more, once that is so. */
  get ended(): SkytaleError | undefined {
    return this.#ended;
  }

  /** Gives up waiting for the relay while stopping. */
  stopNow(): void {
    this.#stopNow.abort();
    this.#mailbox.tell({ kind: 'wake' });
  }

  async #run(): Promise<SkytaleError | undefined> {
    while (!this.#isFinished) {
      try {
        await this.#takeTurn();
        this.#restarts.succeeded();
      } catch (error) {
        await this.#recover(toSkytaleError(error));
      }
    }
    return this.#finish();
  }

  get #isFinished(): boolean {
    const { group } = this.#keeper.record;
    if (this.#stopNow.signal.aborted || !group.isActive) return true;
    if (!this.#isStopping || this.#mailbox.depth > 0) return false;
    const isDrained = this.#outbox.unsettled === 0 && !this.#commits.isBusy(this.#keeper.record);
    return isDrained || !this.#isCaughtUp || this.#ended !== undefined;
  }

  async #takeTurn(): Promise<void> {
    const { control, user } = await this.#mailbox.take();
    // First of all, so that a failure of this turn loses neither payloads nor requests.
    this.#control.push(...control);
    this.#accept(user);
    for (let next = this.#control.shift(); next !== undefined; next = this.#control.shift()) {
      if (!('link' in next) || next.link === this.#link.current) await this.#handle(next);
    }
    await this.#work();
    this.output.show(this.#keeper.record, this.#outbox.unsettled);
    await yieldTurn();
  }

  async #handle(message: ChannelControl): Promise<void> {
    switch (message.kind) {
      case 'link':
        await this.#handleLink(message.event);
        return;
      case 'transport':
        if (message.status.kind === 'connecting') this.output.setStatus('connecting');
        if (message.status.kind === 'offline') this.#goOffline(message.status.cause);
        return;
      case 'answers':
        this.#handleAnswers(message.submissions, message.answers);
        return;
      case 'unanswered':
        this.#handleUnanswered(message.submissions, message.error);
        return;
      case 'connect':
        this.#isFlowing = true;
        if (this.#ended === undefined) this.#link.open(this.#keeper.record);
        return;
      case 'open-gate':
        this.output.emit(this.output.openGate());
        return;
      case 'commit':
        if (this.#ended === undefined) this.#commits.request(message.request);
        else message.request.waiter.reject(this.#ended);
        return;
      case 'consume':
        this.#startConsumer(message.consumer);
        return;
      case 'acknowledge':
        this.#acknowledge(message.seq);
        return;
      case 'release':
        if (this.#consumer === message.consumer) this.#consumer = undefined;
        return;
      case 'stop':
        this.#isStopping = true;
        return;
      case 'wake':
        return;
    }
  }

  async #handleLink(event: LinkEvent): Promise<void> {
    switch (event.kind) {
      case 'online':
        this.#phase = 'replay';
        this.output.setStatus('catching-up');
        return;
      case 'caught-up':
        this.#phase = 'live';
        this.#isCaughtUp = true;
        this.output.setStatus('live');
        return;
      case 'offline':
        this.#goOffline(event.cause);
        return;
      case 'gap':
        this.#resumesAtSeq = event.resumesAtSeq;
        this.output.fault(event);
        return;
      case 'refused':
        this.#end('refused', event.error);
        return;
      case 'entries':
        await this.#read(this.#gatherEntries(event.entries));
        return;
    }
  }

  /** `entries` and those that wait right behind them, as far as they fit into one batch. */
  #gatherEntries(entries: readonly LogEntry[]): readonly LogEntry[] {
    const gathered = [...entries];
    for (let [next] = this.#control; next?.kind === 'link' && next.event.kind === 'entries'; [next] = this.#control) {
      if (gathered.length + next.event.entries.length > INTAKE_BATCH) break;
      gathered.push(...next.event.entries);
      this.#control.shift();
    }
    return gathered;
  }

  async #read(entries: readonly LogEntry[]): Promise<void> {
    for (let rest = entries; rest.length > 0 && this.#ended === undefined; ) {
      const step = await takeEntries(this.#keeper.record, rest, {
        engine: this.#ports.engine,
        ids: this.#ids,
        nowMs: this.#ports.clock.now(),
        phase: this.#phase,
        isJournalled: this.#consumer !== undefined,
        resumesAtSeq: this.#resumesAtSeq,
      });
      await this.#apply(step);
      rest = rest.slice(step.taken);
      if (step.halt !== undefined) this.#halt(step.halt);
    }
  }

  async #apply({ record, events, verdicts, taken, mustBeDurable }: IntakeStep): Promise<void> {
    if (taken === 0) return;
    for (const verdict of verdicts) {
      if (verdict.kind === 'stored') this.#outbox.stored(verdict.messageId, verdict.seq, verdict.epoch);
    }
    const swept = this.#outbox.sweep(record);
    if (mustBeDurable) await this.#keeper.commit(swept);
    else this.#keeper.defer(swept);
    this.#resumesAtSeq = undefined;
    // State first, then the events that tell of it.
    this.output.show(swept, this.#outbox.unsettled);
    for (const verdict of verdicts) {
      if (verdict.kind === 'won') this.#commits.won(verdict.commit, verdict.seq);
      if (verdict.kind === 'lost') this.#commits.lost();
    }
    this.output.emit(events);
    this.#consumer?.offer(events.filter((event) => event.kind === 'message'));
    this.#link.processed(taken, this.#journalHasRoom);
    if (!swept.group.isActive) {
      this.#end('removed', new MlsError('removed_from_group', `this agent is no member of ${swept.name} any more`));
    }
  }

  #halt(halt: Halt): void {
    const { entry } = halt;
    if (halt.kind === 'broken-chain') {
      throw new TransportError(
        'protocol_error',
        `entry ${entry.seq} does not follow the one that was read last: reading again from there`,
      );
    }
    const isRepeated = this.#failedCommit.seq === entry.seq;
    this.#failedCommit = { seq: entry.seq, failures: isRepeated ? this.#failedCommit.failures + 1 : 1 };
    if (this.#failedCommit.failures < COMMIT_ATTEMPTS) throw halt.error;
    this.output.fault({ kind: 'stuck', seq: entry.seq, error: halt.error });
    this.#end('stuck', halt.error);
  }

  #accept(payloads: readonly OutgoingPayload[]): void {
    if (payloads.length === 0) return;
    if (this.#ended === undefined) {
      this.#keeper.deferShortly(this.#outbox.accept(this.#keeper.record, payloads, () => this.#ids.create()));
      return;
    }
    for (const { payload, waiter } of payloads) {
      if (waiter === undefined) this.output.fault({ kind: 'rejected', payload, error: this.#ended });
      else waiter.reject(this.#ended);
    }
  }

  #handleAnswers(submissions: readonly Submission[], answers: readonly PublishAnswer[]): void {
    const [first] = submissions;
    const [answer] = answers;
    if (first?.kind === 'commit') {
      if (answer !== undefined) this.#keeper.defer(this.#commits.answered(this.#keeper.record, answer));
    } else {
      for (const rejected of this.#outbox.answered(submissions, answers)) {
        this.output.fault({ kind: 'rejected', ...rejected });
      }
    }
    if (answers.some((each) => each.kind === 'refused' && isWorthDelaying(each.reason))) this.#retryLater();
    else this.#retries.succeeded();
    const foreign = answers.find((each) => each.kind === 'refused' && each.reason === 'foreign-group');
    if (foreign?.kind === 'refused') this.#end('refused', refusalError(foreign.reason, foreign.detail));
  }

  #handleUnanswered(submissions: readonly Submission[], cause: SkytaleError): void {
    if (submissions[0]?.kind === 'commit') this.#commits.unanswered();
    else this.#outbox.unanswered(submissions);
    // Full is not lost: the connection is there, and has more to send than it can take.
    if (cause.code === 'limit_exceeded') this.#retryLater();
    else this.#goOffline(cause);
  }

  #goOffline(cause: SkytaleError): void {
    this.#isCaughtUp = false;
    if (this.#ended === undefined) this.output.setStatus('offline', cause);
  }

  #retryLater(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = this.#ports.clock.schedule(this.#retries.nextDelayMs(), () => {
      this.#cancelRetry = undefined;
      this.#mailbox.tell({ kind: 'wake' });
    });
  }

  #startConsumer(consumer: Consumer): void {
    this.#consumer = consumer;
    const { record } = this.#keeper;
    const redelivered = this.#unconfirmed.map((entry) => toRedelivered(entry));
    this.#unconfirmed = [];
    const held = this.output.openGate();
    if (held.length > 0) {
      const journal = held.map(({ seq, epoch, sender, payload, receivedAt }) => {
        return { seq, epoch, sender, payload, receivedAtMs: receivedAt };
      });
      this.#keeper.deferShortly({ ...record, journal: [...record.journal, ...journal] });
    }
    this.output.emit([...redelivered, ...held]);
    consumer.offer(this.#keeper.record.journal.map((entry) => toRedelivered(entry)));
  }

  #acknowledge(seq: number): void {
    const { record } = this.#keeper;
    this.#keeper.deferShortly({ ...record, journal: record.journal.filter((entry) => entry.seq !== seq) });
    this.#link.processed(0, this.#journalHasRoom);
  }

  get #journalHasRoom(): boolean {
    const { journal } = this.#keeper.record;
    if (journal.length >= JOURNAL_MESSAGES) return false;
    return journal.reduce((sum, { payload }) => sum + payload.length, 0) < JOURNAL_BYTES;
  }

  /** What the actor does of itself, after it has heard what there is to hear. */
  async #work(): Promise<void> {
    const isPublishing = this.#isCaughtUp && this.#ended === undefined && this.#cancelRetry === undefined;
    if (isPublishing) {
      await this.#publishCommit();
      await this.#publishMessages();
    }
    if (this.#keeper.isUrgent) await this.#keeper.flush();
    else if (this.#keeper.isDirty) this.#flushLater();
    if (this.#ended !== undefined || this.#outbox.hasRoom(isPublishing)) this.#mailbox.resumeUser();
    else this.#mailbox.pauseUser();
  }

  async #publishCommit(): Promise<void> {
    const { engine, clock } = this.#ports;
    while (this.#commits.canStage(this.#keeper.record)) {
      const staged = await this.#commits.stage(this.#keeper.record, engine, () => this.#ids.create(), clock.now());
      if (staged !== undefined) await this.#keeper.commit(staged);
    }
    const submission = this.#commits.takeSubmission(this.#keeper.record);
    if (submission !== undefined) this.#link.publish([submission]);
  }

  async #publishMessages(): Promise<void> {
    if (!this.#outbox.canSubmit(this.#keeper.record)) return;
    const { record, submissions } = await this.#outbox.prepare(this.#keeper.record, this.#ports.engine);
    // Durable first: a ratchet that has moved must not move back once its ciphertext is out.
    await this.#keeper.commit(this.#outbox.sweep(record));
    this.#outbox.submitted(submissions.length);
    this.#link.publish(submissions);
    if (this.#outbox.canSubmit(record)) this.#mailbox.tell({ kind: 'wake' });
  }

  #flushLater(): void {
    this.#cancelFlush ??= this.#ports.clock.schedule(FLUSH_AFTER_MS, () => {
      this.#cancelFlush = undefined;
      if (!this.#keeper.isDirty) return;
      this.#keeper.deferShortly(this.#keeper.record);
      this.#mailbox.tell({ kind: 'wake' });
    });
  }

  #end(status: 'removed' | 'refused' | 'stuck', error: SkytaleError): void {
    this.#ended = error;
    this.#isCaughtUp = false;
    this.#link.close();
    this.#outbox.rejectAll(error);
    this.#commits.rejectAll(error);
    this.output.setStatus(status, error);
  }

  /** Starts over from what is on disk. Only what a link had to say is forgotten: the log will say it again. */
  async #recover(error: SkytaleError): Promise<void> {
    const { clock } = this.#ports;
    this.#link.close();
    this.#isCaughtUp = false;
    this.#resumesAtSeq = undefined;
    for (let cause = error; ; ) {
      const retryInMs = this.#restarts.nextDelayMs();
      this.output.setStatus('offline', cause);
      this.output.fault({ kind: 'crashed', error: cause, retryInMs });
      if (!(await sleepUnlessAborted(clock, retryInMs, this.#stopNow.signal))) return;
      try {
        await this.#reload();
        return;
      } catch (again) {
        cause = toSkytaleError(again);
      }
    }
  }

  async #reload(): Promise<void> {
    const { store } = this.#ports;
    const { name } = this.#keeper.record;
    const record = await store.loadChannel(name);
    if (record === undefined) throw new RuntimeError('store_damaged', `${name} is not in the store any more`);
    this.#keeper = new RecordKeeper(record, store);
    this.#keeper.deferShortly(this.#outbox.load(record));
    this.#commits.load(record);
    if (this.#isFlowing && this.#ended === undefined) this.#link.open(record);
    this.#mailbox.tell({ kind: 'wake' });
  }

  /** Leaves nothing open and nobody waiting. */
  async #finish(): Promise<SkytaleError | undefined> {
    this.#cancelRetry?.();
    this.#cancelFlush?.();
    this.#link.close();
    this.#consumer?.stop();
    const { control, user } = this.#mailbox.close();
    this.#accept(user);
    for (const message of [...this.#control, ...control]) {
      if (message.kind === 'acknowledge') this.#acknowledge(message.seq);
      if (message.kind === 'commit') this.#commits.request(message.request);
    }
    const failure = await this.#keeper.flush().then(
      () => undefined,
      (error: unknown) => toSkytaleError(error),
    );
    const { name } = this.#keeper.record;
    const closed = new ChannelError('channel_closed', `${name} was closed before the relay had answered`);
    this.#outbox.rejectAll(this.#ended ?? failure ?? closed);
    this.#commits.rejectAll(this.#ended ?? failure ?? closed);
    if (this.output.status !== 'removed') this.output.setStatus('stopped', failure);
    this.output.complete();
    return failure;
  }
}

function toRedelivered({ receivedAtMs, ...entry }: JournalEntry): ChannelMessage {
  return { kind: 'message', ...entry, phase: 'replay', redelivered: true, receivedAt: receivedAtMs };
}
