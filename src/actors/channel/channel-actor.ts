import type { Observable } from 'rxjs';
import { sleepUnlessAborted } from '../../base/clock.ts';
import { ChannelError, MlsError, type SkytaleError, toSkytaleError } from '../../base/errors.ts';
import { type ChannelRecord, newLeaves, resumedAdmissions } from '../../mls/index.ts';
import { Backoff, yieldTurn } from '../../streams/index.ts';
import type { LinkEvent } from '../../transport/index.ts';
import type { ChannelCore } from './channel-core.ts';
import type { ChannelFigures } from './channel-inspection.ts';
import type { ActorMailbox, ChannelControl } from './channel-mailbox.ts';
import { channelState, ChannelOutput } from './channel-output.ts';
import { TapSwitch } from './channel-tap.ts';
import { CommitDesk } from './commit-desk.ts';
import { CommitWindow } from './commit-window.ts';
import { ConfirmationDesk } from './confirmation-desk.ts';
import { CreditGate } from './credit-gate.ts';
import { ControlQueue } from './control-queue.ts';
import { DeliveryJournal } from './delivery-journal.ts';
import { ForkDesk } from './fork-desk.ts';
import { Housekeeping } from './housekeeping.ts';
import { JoinDesk } from './join-desk.ts';
import type { JoinRequest } from './join-request.ts';
import { LinkDriver } from './link-driver.ts';
import { LogReader, type ReadingEnd } from './log-reader.ts';
import { MessageIds } from './message-id.ts';
import { Outage } from './outage.ts';
import { OutboxDesk, type OutgoingPayload } from './outbox-desk.ts';
import { Publisher } from './publisher.ts';
import { RemovalDesk } from './removal-desk.ts';
import { RecordKeeper } from './record-keeper.ts';
import { RejoinDesk } from './rejoin-desk.ts';
import { TapDesk } from './tap-desk.ts';
import { tappedPorts } from './tapped-ports.ts';
import type { ChannelPorts, Workbench } from './workbench.ts';

/** How long a record may stay unwritten that fell behind on own messages only. */
const FLUSH_AFTER_MS = 1_000;

/**
 * The one writer of a channel: everything that reads or changes the group, the cursor or the outbox passes through its
 * mailbox, one turn after the other.
 *
 * It restarts by itself from the store when a turn fails; what waits in the mailbox stays, and so does everybody who
 * waits for an answer. Nothing ends it but its owner, a removal from the group, a refusal of the relay that will not
 * change, and a commit that could not be applied twice, if no other member helps.
 */
export class ChannelActor implements ChannelCore {
  readonly output: ChannelOutput;
  readonly #bench: Workbench;
  readonly #outbox = new OutboxDesk();
  readonly #commits: CommitDesk;
  readonly #housekeeping: Housekeeping;
  readonly #journal: DeliveryJournal;
  readonly #credit: CreditGate;
  readonly #forks: ForkDesk;
  readonly #reader: LogReader;
  readonly #joins: JoinDesk;
  readonly #removals: RemovalDesk;
  readonly #rejoins: RejoinDesk;
  readonly #publisher: Publisher;
  readonly #taps: TapDesk;
  readonly #restarts: Backoff;
  readonly #stopNow = new AbortController();
  readonly #control = new ControlQueue();
  #isFlowing = false;
  #isStopping = false;
  #cancelFlush: (() => void) | undefined;
  #ended: SkytaleError | undefined;
  /** Resolves when the actor has terminated: with the reason if its record could not be written at the end. */
  readonly done: Promise<SkytaleError | undefined>;

  /** @param record as it is in the store */
  constructor(record: ChannelRecord, mailbox: ActorMailbox, given: ChannelPorts, tap: TapSwitch = new TapSwitch()) {
    const ports = tappedPorts(given, tap);
    this.output = new ChannelOutput(channelState(record), given.inspectionClock ?? given.clock, tap);
    this.#bench = {
      ports,
      mailbox,
      output: this.output,
      keeper: new RecordKeeper(
        record,
        ports.store,
        () => mailbox.tell({ kind: 'wake' }),
        () => tap.looking(),
      ),
      link: new LinkDriver(ports.transport, (input) => mailbox.tell(input)),
      ids: new MessageIds(record.idKey, ports.random),
    };
    this.#taps = new TapDesk(this.#bench, tap, given.clock);
    // What these do by themselves comes to the actor as messages.
    const outside: Workbench = {
      ...this.#bench,
      ports: { ...given, steps: ports.steps },
      ids: new MessageIds(record.idKey, given.random),
    };
    const outage = new Outage(this.output);
    this.#joins = new JoinDesk(outside, outage);
    this.#removals = new RemovalDesk(outside, outage);
    this.#rejoins = new RejoinDesk(this.#bench, outside);
    this.#commits = new CommitDesk(
      new CommitWindow(ports.commitWindowMs ?? 0, ports.clock, () => mailbox.tell({ kind: 'wake' })),
    );
    this.#outbox.load(record);
    this.#watchAdmissions();
    const confirmations = new ConfirmationDesk(this.#bench, this.#outbox);
    this.#journal = new DeliveryJournal(this.#bench, confirmations);
    this.#credit = new CreditGate(this.#bench, this.#journal);
    this.#housekeeping = new Housekeeping(this.#bench, this.#commits);
    this.#forks = new ForkDesk(this.#bench, (error) => this.#rejoin({ status: 'forked', error }));
    this.#publisher = new Publisher(this.#bench, {
      outbox: this.#outbox,
      commits: this.#commits,
      housekeeping: this.#housekeeping,
      forks: this.#forks,
    });
    this.#reader = new LogReader(this.#bench, {
      outbox: this.#outbox,
      commits: this.#commits,
      journal: this.#journal,
      credit: this.#credit,
      forks: this.#forks,
      housekeeping: this.#housekeeping,
      confirmations,
    });
    this.#restarts = new Backoff({}, ports);
    this.done = this.#run();
  }

  /** Why nothing moves any more, once that is so. */
  get ended(): SkytaleError | undefined {
    return this.#ended;
  }

  get joinRequests$(): Observable<JoinRequest> {
    return this.#joins.requests$;
  }

  /** How much there is of everything. */
  get figures(): ChannelFigures {
    const { mailbox } = this.#bench;
    const { received, crashes, faults, lastFault } = this.output.tally;
    return {
      depth: mailbox.depth,
      capacity: mailbox.capacity,
      oldestSinceMs: mailbox.oldest?.postedAtMs,
      unhandled: this.#journal.length,
      isSlow: this.#credit.isSlow,
      sent: this.#outbox.storedMessages,
      received,
      crashes,
      faults,
      lastFault,
    };
  }

  /** Gives up waiting for the relay while stopping. */
  stopNow(): void {
    this.#stopNow.abort();
    this.#taps.stoppedNow();
    this.#bench.mailbox.tell({ kind: 'wake' });
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
    const { keeper, mailbox } = this.#bench;
    if (this.#stopNow.signal.aborted || !keeper.record.group.isActive) return true;
    if (!this.#isStopping || mailbox.depth > 0) return false;
    const isDrained = this.#outbox.unsettled === 0 && !this.#commits.isBusy(keeper.record);
    return isDrained || !this.#publisher.isCaughtUp || this.#ended !== undefined;
  }

  async #takeTurn(): Promise<void> {
    const { mailbox, keeper } = this.#bench;
    const { control, user } = this.#taps.turn(await mailbox.take());
    // First of all, so that a failure of this turn loses neither payloads nor requests.
    this.#control.push(control);
    this.#accept(user);
    while (!this.#control.isEmpty) {
      keeper.settle();
      await this.#handleNext();
    }
    await this.#work();
    if (this.#taps.isAwaited) await this.#beginTap();
    this.output.show(keeper.visible, this.#outbox.unsettled);
    await yieldTurn();
  }

  async #handleNext(): Promise<void> {
    const message = this.#control.shift();
    if (message === undefined) return;
    // What an earlier link had to say is void: it is asked again.
    const isOfLink = 'link' in message;
    if (isOfLink && message.link !== this.#bench.link.current) return;
    try {
      await this.#handle(message);
    } catch (error) {
      if (!isOfLink) this.#control.unshift(message);
      throw error;
    }
  }

  async #handle(message: ChannelControl): Promise<void> {
    switch (message.kind) {
      case 'link':
        await this.#handleLink(message.event, message.session);
        return;
      case 'transport':
        if (message.status.kind === 'connecting') this.output.setStatus('connecting');
        if (message.status.kind === 'offline') this.#goOffline(message.status.cause);
        return;
      case 'answers': {
        const refusal = await this.#publisher.answered(message.submissions, message.answers);
        if (refusal !== undefined) this.#end('refused', refusal);
        return;
      }
      case 'unanswered':
        this.#publisher.unanswered(message.submissions);
        return;
      case 'connect':
        this.#isFlowing = true;
        if (this.#ended === undefined) this.#bench.link.open(this.#bench.keeper.record);
        return;
      case 'leave':
        if (this.#ended === undefined) this.#housekeeping.wishToLeave(message.waiter);
        else message.waiter.reject(this.#ended);
        return;
      case 'remove-leavers':
        this.#housekeeping.removeLeavers();
        return;
      case 'replace-rejoiners':
        this.#housekeeping.replaceRejoiners();
        return;
      case 'state-epoch':
        this.#forks.speak();
        return;
      case 'judge-fork':
        this.#forks.judge();
        return;
      case 'rejoined':
        await this.#rejoins.goOn(message.group, message.commitSeq);
        this.#commits.load(this.#bench.keeper.record);
        this.#bench.link.open(this.#bench.keeper.record);
        return;
      case 'rejoin-failed': {
        const { status, error } = this.#rejoins.failed(message.error);
        this.#end(status, error);
        return;
      }
      case 'open-gate':
        this.output.openGate();
        return;
      case 'commit':
        if (this.#ended === undefined) this.#commits.request(message.request);
        else message.request.waiter.reject(this.#ended);
        return;
      case 'consume':
        // What is on its way to disk is shown first, or the consumer would get it twice.
        await this.#bench.keeper.close();
        this.#journal.start(message.consumer);
        return;
      case 'acknowledge':
        this.#journal.acknowledge(this.#control.gatherAcknowledged(message.seq));
        this.#credit.processed(0);
        return;
      case 'hold':
        this.#credit.hold();
        return;
      case 'let-go':
        this.#credit.release();
        return;
      case 'release':
        this.#journal.release(message.consumer);
        this.#credit.processed(0);
        return;
      case 'flush':
        this.#bench.keeper.deferShortly(this.#bench.keeper.record);
        return;
      case 'tap':
        this.#taps.ask(message.request, this.#ended);
        return;
      case 'untap':
        this.#taps.takeOff(message.tap);
        message.waiter.resolve(undefined);
        return;
      case 'stop':
        this.#isStopping = true;
        this.#commits.hurry();
        return;
      case 'wake':
        return;
    }
  }

  async #handleLink(event: LinkEvent, session: number): Promise<void> {
    switch (event.kind) {
      case 'online':
        this.#publisher.suspend();
        this.#joins.suspend();
        this.#removals.suspend();
        this.#reader.restart();
        this.output.setStatus('catching-up');
        return;
      case 'caught-up':
        // What was read is on its way to the disk, and shown when it is there: `live` comes behind it.
        await this.#bench.keeper.close();
        this.#reader.phase = 'live';
        this.#publisher.resume(session);
        this.output.setStatus('live');
        this.#joins.caughtUp();
        this.#removals.caughtUp();
        return;
      case 'offline':
        this.#goOffline(event.cause);
        return;
      case 'gap':
        // Behind what was read before it.
        await this.#bench.keeper.close();
        this.#reader.skipTo(event.resumesAtSeq);
        this.output.fault(event);
        return;
      case 'refused':
        this.#end('refused', event.error);
        return;
      case 'notice':
        if (event.topic === 'join-requests') this.#joins.notice();
        else this.#removals.notice();
        return;
      case 'entries': {
        const end = await this.#reader.read(this.#control.gatherEntries(event.entries));
        const { name, group } = this.#bench.keeper.record;
        if (end !== undefined) this.#rejoin(end);
        if (!group.isActive) this.#end('removed', new MlsError('removed_from_group', `no member of ${name} any more`));
        return;
      }
    }
  }

  #accept(payloads: readonly OutgoingPayload[]): void {
    if (payloads.length === 0) return;
    const { keeper, ids } = this.#bench;
    if (this.#ended === undefined) {
      keeper.deferShortly(this.#outbox.accept(keeper.record, payloads, () => ids.create()));
      return;
    }
    for (const { payload, waiter } of payloads) {
      if (waiter === undefined) this.output.fault({ kind: 'rejected', payload, error: this.#ended });
      else waiter.reject(this.#ended);
    }
  }

  /** What the actor does of itself, after it has heard what there is to hear. */
  async #work(): Promise<void> {
    const { keeper, mailbox } = this.#bench;
    keeper.settle();
    const isPublishing = this.#publisher.isReady;
    if (isPublishing) await this.#publisher.publish();
    if (keeper.isUrgent) await keeper.flush();
    else if (keeper.isDirty) this.#flushLater();
    if (this.#ended !== undefined || this.#outbox.hasRoom(isPublishing)) mailbox.resumeUser();
    else mailbox.pauseUser();
  }

  #flushLater(): void {
    const { ports, mailbox } = this.#bench;
    this.#cancelFlush ??= ports.clock.schedule(FLUSH_AFTER_MS, () => {
      this.#cancelFlush = undefined;
      mailbox.tell({ kind: 'flush' });
    });
  }

  #goOffline(cause: SkytaleError): void {
    this.#publisher.suspend();
    this.#joins.suspend();
    this.#removals.suspend();
    if (this.#ended === undefined) this.output.setStatus('offline', cause);
  }

  #end(status: 'removed' | 'refused' | ReadingEnd['status'], error: SkytaleError): void {
    this.#ended = error;
    this.#publisher.suspend();
    this.#joins.stop();
    this.#removals.stop();
    this.#bench.link.close();
    this.#outbox.rejectAll(error);
    this.#commits.rejectAll(error);
    if (status === 'removed') this.#housekeeping.removed();
    this.#housekeeping.rejectAll(error);
    this.output.setStatus(status, error);
  }

  /** This record is of no more use. Others may give us a fresh leaf; whatever is accepted meanwhile waits. */
  #rejoin(end: ReadingEnd): void {
    if (!this.#rejoins.canHelp(end)) {
      this.#end(end.status, end.error);
      return;
    }
    this.#suspend();
    this.output.setStatus('rejoining', end.error);
    this.#rejoins.ask(end);
  }

  /** Starts over from what is on disk. Only what a link had to say is forgotten: the log will say it again. */
  async #recover(error: SkytaleError): Promise<void> {
    this.#suspend();
    for (let cause = error; ; ) {
      const retryInMs = this.#restarts.nextDelayMs();
      this.output.setStatus('offline', cause);
      this.output.fault({ kind: 'crashed', error: cause, retryInMs });
      if (!(await sleepUnlessAborted(this.#bench.ports.clock, retryInMs, this.#stopNow.signal))) return;
      try {
        await this.#reload();
        return;
      } catch (again) {
        cause = toSkytaleError(again);
      }
    }
  }

  async #reload(): Promise<void> {
    const { keeper, mailbox } = this.#bench;
    await keeper.reload();
    this.#watchAdmissions();
    this.#startOver();
    this.#reopen();
    mailbox.tell({ kind: 'wake' });
  }

  /** All that is kept in memory alone begins anew from the record. */
  #startOver(): void {
    const { keeper } = this.#bench;
    keeper.deferShortly(this.#outbox.load(keeper.record));
    this.#reader.recover();
    this.#commits.load(keeper.record);
  }

  #reopen(): void {
    const { keeper, link } = this.#bench;
    if (this.#isFlowing && this.#ended === undefined) link.open(keeper.record);
  }

  /** Somebody wants to listen from a moment on from which all can be done again: from the record that is on disk. */
  async #beginTap(): Promise<void> {
    const { keeper } = this.#bench;
    const isBusy =
      this.#commits.isBusy(keeper.record) || this.#rejoins.isBusy || this.#housekeeping.isBusy || this.#forks.isBusy;
    const request = this.#taps.next(isBusy);
    if (request === undefined) return;
    if (request.startsOver) {
      await keeper.close();
      this.#suspend();
      this.#startOver();
      this.#housekeeping.startOver();
      this.#forks.startOver();
      this.#publisher.stop();
      this.#cancelFlush?.();
      this.#cancelFlush = undefined;
      await keeper.close();
      if (this.#isFlowing) this.output.setStatus('connecting');
    }
    this.#taps.putOn(request, {
      isFlowing: this.#isFlowing,
      isConsumed: this.#journal.isOn,
      holds: this.#credit.holders,
    });
    if (request.startsOver) this.#reopen();
  }

  /** The link is given up, and all that was under way on it. */
  #suspend(): void {
    this.#bench.link.close();
    this.#publisher.suspend();
    this.#joins.suspend();
    this.#removals.suspend();
  }

  /** A record that an older version wrote does not tell who came before. From now on it does. */
  #watchAdmissions(): void {
    const { keeper, ports } = this.#bench;
    const { record } = keeper;
    if (record.admissions.sinceMs !== undefined) return;
    const admissions = resumedAdmissions(record.admissions, ports.clock.now(), newLeaves(record.group));
    keeper.deferShortly({ ...record, admissions });
  }

  /** Leaves nothing open and nobody waiting. */
  async #finish(): Promise<SkytaleError | undefined> {
    const { keeper, link, mailbox } = this.#bench;
    this.#cancelFlush?.();
    this.#rejoins.stop();
    this.#publisher.stop();
    this.#housekeeping.stop();
    this.#joins.stop();
    this.#forks.stop();
    this.#removals.stop();
    this.#journal.stop();
    link.close();
    const { control, user } = mailbox.close();
    this.#accept(user);
    for (const message of [...this.#control.clear(), ...control]) {
      if (message.kind === 'acknowledge') this.#journal.acknowledge([message.seq]);
      if (message.kind === 'commit') this.#commits.request(message.request);
      if (message.kind === 'leave') this.#housekeeping.wishToLeave(message.waiter);
      if (message.kind === 'tap') this.#taps.ask(message.request, this.#ended);
      if (message.kind === 'untap') message.waiter.resolve(undefined);
    }
    const failure = await keeper.close().then(
      () => undefined,
      (error: unknown) => toSkytaleError(error),
    );
    const closed = new ChannelError('channel_closed', `${keeper.record.name} was closed before the relay had answered`);
    this.#outbox.rejectAll(this.#ended ?? failure ?? closed);
    this.#commits.rejectAll(this.#ended ?? failure ?? closed);
    this.#housekeeping.rejectAll(this.#ended ?? failure ?? closed);
    if (keeper.record.group.isActive) this.output.setStatus('stopped', failure);
    else this.output.setStatus('removed', this.#ended);
    this.output.complete();
    this.#taps.stop(this.#ended ?? closed);
    return failure;
  }
}
