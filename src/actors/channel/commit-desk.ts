import { equalBytes } from '../../base/bytes.ts';
import { ChannelError, RuntimeError, type SkytaleError } from '../../base/errors.ts';
import type { ChannelRecord, MlsEngine, PendingCommitEntry } from '../../mls/index.ts';
import { ChangeBatch, type LeafChange } from './change-batch.ts';
import { type PublishAnswer, refusalError, type Submission } from '../../transport/index.ts';
import type { CommitRequest } from './commit-request.ts';
import type { CommitWindow } from './commit-window.ts';
import { isWorthRetrying } from './outbox-desk.ts';
import type { ActorPorts } from './workbench.ts';

/** Changes that may wait for their turn. */
const MAX_REQUESTS = 1024;

/**
 * The way of a change of the group: staged on the current state, durable, published, and decided by the log.
 *
 * One commit at a time; changes that arrive while it is under way, or in one window, become the next one together. The log's word counts,
 * not the relay's answer: the commit is applied where it stands in the log. Whoever loses its epoch stages its changes
 * again on the state that the winner began. A commit that may have won already is sent again as it is, never rebuilt.
 */
export class CommitDesk {
  readonly #window: CommitWindow;
  readonly #requests: CommitRequest[] = [];
  /** Whose commit is pending. None if an earlier run of the agent made it. */
  #current: readonly CommitRequest[] = [];
  #isInFlight = false;

  /** @param window in which changes come together */
  constructor(window: CommitWindow) {
    this.#window = window;
  }

  /** Starts over after the actor has read its record from the store. */
  load(record: ChannelRecord): void {
    this.#isInFlight = false;
    if (record.pendingCommit === undefined) this.#retry();
  }

  /** Whether somebody waits, or a commit is undecided. */
  isBusy(record: ChannelRecord): boolean {
    return this.#requests.length > 0 || record.pendingCommit !== undefined;
  }

  /** Takes a request, or rejects it if too many wait already. */
  request(request: CommitRequest): void {
    if (this.#requests.length >= MAX_REQUESTS) {
      request.waiter.reject(new RuntimeError('mailbox_full', `${MAX_REQUESTS} changes of the group wait already`));
      return;
    }
    this.#requests.push(request);
    this.#window.openFor(request);
  }

  /** Whether {@link CommitDesk.stage} has something to do. */
  canStage(record: ChannelRecord): boolean {
    return record.pendingCommit === undefined && this.#requests.length > 0 && !this.#window.holds(this.#requests);
  }

  /** The channel is about to stop: nothing waits for others to come along. */
  hurry(): void {
    this.#window.end();
  }

  /**
   * Stages the requests that wait, as many as go into one commit; those that are bad by themselves are rejected. Returns
   * the record to write, or `undefined` if there was nothing to commit.
   */
  async stage(
    record: ChannelRecord,
    { engine, clock, steps }: Pick<ActorPorts, 'engine' | 'clock' | 'steps'>,
    createId: () => Uint8Array,
  ): Promise<ChannelRecord | undefined> {
    const nowMs = clock.now();
    // Whatever made this the moment: those that come from now on wait in a window of their own.
    this.#window.close();
    const { taken, change } = await this.#gather(record, engine, nowMs);
    if (taken.length === 0) return undefined;
    const { group, commitSpentInEpoch } = record;
    const framing = commitSpentInEpoch === group.epoch ? 'public' : 'private';
    const { rotate, extensions, ...members } = change;
    try {
      const staged = await steps.commitChange(
        engine,
        group,
        { ...members, ...(rotate && { rotate }), ...(extensions && { extensions }) },
        framing,
        nowMs,
        record.pins,
      );
      this.#current = taken;
      this.#isInFlight = false;
      return { ...record, pendingCommit: { messageId: createId(), ...staged }, commitSpentInEpoch: group.epoch };
    } catch (error) {
      if (taken.length === 1) taken[0]?.waiter.reject(error);
      // One of them spoils it for the others: each for itself, then.
      else this.#requests.unshift(...taken.map((request) => ({ ...request, isAlone: true })));
      return undefined;
    }
  }

  /** The pending commit as a submission, if it is not under way already. */
  takeSubmission({ pendingCommit }: ChannelRecord): Submission | undefined {
    if (pendingCommit === undefined || this.#isInFlight) return undefined;
    this.#isInFlight = true;
    const { epoch, messageId, commit, welcome, welcomeRefs } = pendingCommit;
    const welcomes = welcome && [{ keyPackageRefs: welcomeRefs, payload: welcome }];
    return { kind: 'commit', epoch, messageId, payload: commit, ...(welcomes && { welcomes }) };
  }

  /**
   * The relay's answer. Accepted, or lost to another commit: the log will tell, in its order. Refused for good: the
   * change is off. Otherwise it is submitted again. Returns the record to go on with.
   */
  answered(record: ChannelRecord, { messageId }: Submission, answer: PublishAnswer): ChannelRecord {
    const { pendingCommit } = record;
    // The log may have decided before the answer came, and another commit may be pending by now.
    if (pendingCommit === undefined || !equalBytes(pendingCommit.messageId, messageId)) return record;
    if (answer.kind === 'accepted' || answer.reason === 'epoch-decided') return record;
    if (isWorthRetrying(answer.reason)) {
      this.#isInFlight = false;
      return record;
    }
    this.#reject(refusalError(answer.reason, answer.detail));
    return { ...record, pendingCommit: undefined };
  }

  /** The connection was lost before the answer came. */
  unanswered(): void {
    this.#isInFlight = false;
  }

  /** The commit is in the log, applied, and durable. */
  won({ next, welcome }: PendingCommitEntry, seq: number): void {
    for (const { waiter } of this.#current) waiter.resolve({ epoch: next.epoch, seq, welcome });
    this.#clear();
  }

  /** Another commit won the epoch. The changes are staged again, before any other. */
  lost(): void {
    this.#retry();
  }

  /** Nobody will wait any longer. */
  rejectAll(error: SkytaleError): void {
    this.#window.end();
    this.#reject(error);
    for (const { waiter } of this.#requests.splice(0)) waiter.reject(error);
  }

  async #gather(
    record: ChannelRecord,
    engine: MlsEngine,
    nowMs: number,
  ): Promise<{ readonly taken: readonly CommitRequest[]; readonly change: LeafChange }> {
    const batch = new ChangeBatch(record);
    const taken: CommitRequest[] = [];
    for (let [request] = this.#requests; request !== undefined; [request] = this.#requests) {
      if (taken.length > 0 && (request.isAlone === true || taken[0]?.isAlone === true)) break;
      try {
        checkEpoch(request, record);
        request.check?.(record);
        if (!(await batch.take(request.change, engine, nowMs, request.notes))) break;
        taken.push(request);
      } catch (error) {
        request.waiter.reject(error);
      }
      this.#requests.shift();
    }
    return { taken, change: batch.change };
  }

  #retry(): void {
    if (this.#current.length > 0) this.#window.close();
    this.#requests.unshift(...this.#current);
    this.#clear();
  }

  #reject(error: SkytaleError): void {
    for (const { waiter } of this.#current) waiter.reject(error);
    this.#clear();
  }

  #clear(): void {
    this.#current = [];
    this.#isInFlight = false;
  }
}

function checkEpoch({ onlyInEpoch }: CommitRequest, { group }: ChannelRecord): void {
  if (onlyInEpoch === undefined || onlyInEpoch === group.epoch) return;
  throw new ChannelError('commit_conflict', `the change was wanted in epoch ${onlyInEpoch}, which is over`);
}
