import type { SkytaleError } from '../../base/errors.ts';
import { Backoff } from '../../streams/index.ts';
import { type PublishAnswer, refusalError, type Submission } from '../../transport/index.ts';
import type { CommitDesk } from './commit-desk.ts';
import { isPlain } from './envelope.ts';
import type { ForkDesk } from './fork-desk.ts';
import type { Housekeeping } from './housekeeping.ts';
import { isWorthDelaying, type OutboxDesk, type RejectedPayload } from './outbox-desk.ts';
import { Pause } from './pause.ts';
import type { Workbench } from './workbench.ts';

export interface PublisherParts {
  readonly outbox: OutboxDesk;
  readonly commits: CommitDesk;
  readonly housekeeping: Housekeeping;
  readonly forks: ForkDesk;
}

/** Hands to the relay what the desks have, once it is durable, and takes the answers back to them. */
export class Publisher {
  readonly #bench: Workbench;
  readonly #parts: PublisherParts;
  readonly #retries: Backoff;
  /** Of everything: the relay has trouble, or cannot take more. */
  readonly #retryPause: Pause;
  /** Of messages: there were too many at once. Commits go on. */
  readonly #ratePause: Pause;
  /** In which everything in the log has been read; before that there is no point in publishing. */
  #session: number | undefined;

  constructor(bench: Workbench, parts: PublisherParts) {
    this.#bench = bench;
    this.#parts = parts;
    this.#retries = new Backoff({}, bench.ports);
    const wake = (): void => void bench.mailbox.tell({ kind: 'wake' });
    this.#retryPause = new Pause(bench.ports.clock, wake);
    this.#ratePause = new Pause(bench.ports.clock, wake);
  }

  /** Whether something may be published now. */
  get isReady(): boolean {
    return this.#session !== undefined && !this.#retryPause.isOn;
  }

  /** Whether there is a connection that has caught up. */
  get isCaughtUp(): boolean {
    return this.#session !== undefined;
  }

  /** A connection has caught up: whatever there was to wait for, this is the time to try. */
  resume(session: number): void {
    this.#session = session;
    this.stop();
  }

  /** The connection is lost, and with it the answers to all that was submitted on it. */
  suspend(): void {
    this.#session = undefined;
    this.#parts.outbox.unansweredAll();
    this.#parts.commits.unanswered();
    this.#parts.housekeeping.suspend();
    this.#parts.forks.suspend();
  }

  /** Publishes what can be published now: first a commit, then one batch of messages. */
  async publish(): Promise<void> {
    // A proposal is a message, too.
    if (this.#session !== undefined && !this.#ratePause.isOn) {
      await this.#parts.housekeeping.work(this.#session);
      await this.#parts.forks.work(this.#session);
    }
    await this.#publishCommit();
    if (!this.#ratePause.isOn) await this.#publishMessages();
  }

  /** The relay's answers. Returns why it will never take anything from this channel, if it says so. */
  async answered(
    submissions: readonly Submission[],
    answers: readonly PublishAnswer[],
  ): Promise<SkytaleError | undefined> {
    const { keeper } = this.#bench;
    const [submission] = submissions;
    const [answer] = answers;
    if (submission?.kind !== 'commit') {
      await this.#reject(this.#parts.outbox.answered(submissions, answers));
      this.#parts.housekeeping.answered(submissions, answers);
      this.#parts.forks.answered(submissions, answers);
    } else if (answer !== undefined) {
      keeper.defer(this.#parts.commits.answered(keeper.record, submission, answer));
    }
    const refusals = answers.filter((each) => each.kind === 'refused');
    const late = refusals.filter(({ reason }) => reason === 'rate-limited');
    if (late.length > 0) this.#slowDown(submission?.kind === 'commit', Math.max(...late.map(retryAfterMs)));
    else if (refusals.some(({ reason }) => isWorthDelaying(reason)))
      this.#retryPause.start(this.#retries.nextDelayMs());
    else this.#retries.succeeded();
    const foreign = refusals.find(({ reason }) => reason === 'foreign-group');
    return foreign && refusalError(foreign.reason, foreign.detail);
  }

  /** No answer came. If the connection is lost, that is told as well; otherwise it could not take more. */
  unanswered(submissions: readonly Submission[]): void {
    if (submissions[0]?.kind === 'commit') this.#parts.commits.unanswered();
    else this.#parts.outbox.unanswered(submissions);
    this.#retryPause.start(this.#retries.nextDelayMs());
  }

  /** Cancels what is scheduled. */
  stop(): void {
    this.#retryPause.end();
    this.#ratePause.end();
  }

  async #publishCommit(): Promise<void> {
    const { keeper, ports, ids, link } = this.#bench;
    const { commits } = this.#parts;
    while (commits.canStage(keeper.record)) {
      const staged = await commits.stage(keeper.record, ports, () => ids.create());
      if (staged !== undefined) await keeper.commit(staged);
    }
    const submission = commits.takeSubmission(keeper.record);
    if (submission !== undefined && this.#session !== undefined) link.publish([submission], this.#session);
  }

  async #publishMessages(): Promise<void> {
    const { keeper, ports, link, mailbox } = this.#bench;
    const { outbox } = this.#parts;
    if (!outbox.canSubmit(keeper.record)) return;
    const { round } = outbox;
    const { record, submissions, encrypted } = await outbox.prepare(keeper.record, ports.engine);
    outbox.submitted(submissions.length, record.group.epoch);
    this.#parts.housekeeping.sent(encrypted);
    const session = this.#session;
    // Durable first: a ratchet that has moved must not move back once its ciphertext is out.
    await keeper.write(outbox.sweep(record), () => {
      if (session !== undefined) link.publish(submissions, session, round);
    });
    if (outbox.canSubmit(record)) mailbox.tell({ kind: 'wake' });
  }

  /** Told when it is out of the outbox for good: what somebody was told is rejected must not be sent by the next run. */
  async #reject(rejected: readonly RejectedPayload[]): Promise<void> {
    if (rejected.length === 0) return;
    const { keeper, output } = this.#bench;
    const { outbox } = this.#parts;
    await keeper.write(outbox.sweep(keeper.record), () => {
      output.show(keeper.durable, outbox.unsettled);
      for (const each of rejected) {
        const { payload, header, error } = each;
        if (outbox.reject(each)) continue;
        output.fault(isPlain(header) ? { kind: 'rejected', payload, error } : { kind: 'unsent', error });
      }
    });
  }

  /** Waits for as long as the relay asks for. Where not even a commit may pass, nothing else may. */
  #slowDown(isCommit: boolean, delayMs: number): void {
    const pause = isCommit ? this.#retryPause : this.#ratePause;
    pause.start(delayMs > 0 ? delayMs : this.#retries.nextDelayMs());
  }
}

function retryAfterMs(answer: PublishAnswer): number {
  return answer.kind === 'refused' ? (answer.retryAfterMs ?? 0) : 0;
}
