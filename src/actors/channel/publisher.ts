import type { SkytaleError } from '../../base/errors.ts';
import { Backoff } from '../../streams/index.ts';
import { type PublishAnswer, refusalError, type Submission } from '../../transport/index.ts';
import type { CommitDesk } from './commit-desk.ts';
import { isWorthDelaying, type OutboxDesk } from './outbox-desk.ts';
import type { Workbench } from './workbench.ts';

export interface PublisherParts {
  readonly outbox: OutboxDesk;
  readonly commits: CommitDesk;
}

/** Hands to the relay what the desks have, once it is durable, and takes the answers back to them. */
export class Publisher {
  readonly #bench: Workbench;
  readonly #parts: PublisherParts;
  readonly #retries: Backoff;
  #cancelRetry: (() => void) | undefined;

  constructor(bench: Workbench, parts: PublisherParts) {
    this.#bench = bench;
    this.#parts = parts;
    this.#retries = new Backoff({}, bench.ports);
  }

  /** Whether the relay asked for a pause. */
  get isPausing(): boolean {
    return this.#cancelRetry !== undefined;
  }

  /** Publishes what can be published now: first a commit, then one batch of messages. */
  async publish(): Promise<void> {
    await this.#publishCommit();
    await this.#publishMessages();
  }

  /** The relay's answers. Returns why it will never take anything from this channel, if it says so. */
  answered(submissions: readonly Submission[], answers: readonly PublishAnswer[]): SkytaleError | undefined {
    const { keeper, output } = this.#bench;
    const [submission] = submissions;
    const [answer] = answers;
    if (submission?.kind !== 'commit') {
      for (const rejected of this.#parts.outbox.answered(submissions, answers)) {
        output.fault({ kind: 'rejected', ...rejected });
      }
    } else if (answer !== undefined) {
      keeper.defer(this.#parts.commits.answered(keeper.record, submission, answer));
    }
    const refusals = answers.filter((each) => each.kind === 'refused');
    if (refusals.some(({ reason }) => isWorthDelaying(reason))) this.#pause();
    else this.#retries.succeeded();
    const foreign = refusals.find(({ reason }) => reason === 'foreign-group');
    return foreign && refusalError(foreign.reason, foreign.detail);
  }

  /**
   * No answer came: the connection was lost, or could not take more. What was submitted waits again, for a moment or
   * until a new connection has caught up.
   */
  unanswered(submissions: readonly Submission[]): void {
    if (submissions[0]?.kind === 'commit') this.#parts.commits.unanswered();
    else this.#parts.outbox.unanswered(submissions);
    this.#pause();
  }

  /** A connection has caught up: whatever there was to wait for, this is the time to try. */
  resume(): void {
    this.stop();
  }

  /** Cancels what is scheduled. */
  stop(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
  }

  async #publishCommit(): Promise<void> {
    const { keeper, ports, ids, link } = this.#bench;
    const { commits } = this.#parts;
    while (commits.canStage(keeper.record)) {
      const staged = await commits.stage(keeper.record, ports.engine, () => ids.create(), ports.clock.now());
      if (staged !== undefined) await keeper.commit(staged);
    }
    const submission = commits.takeSubmission(keeper.record);
    if (submission !== undefined) link.publish([submission]);
  }

  async #publishMessages(): Promise<void> {
    const { keeper, ports, link, mailbox } = this.#bench;
    const { outbox } = this.#parts;
    if (!outbox.canSubmit(keeper.record)) return;
    const { record, submissions } = await outbox.prepare(keeper.record, ports.engine);
    // Durable first: a ratchet that has moved must not move back once its ciphertext is out.
    await keeper.commit(outbox.sweep(record));
    outbox.submitted(submissions.length);
    link.publish(submissions);
    if (outbox.canSubmit(record)) mailbox.tell({ kind: 'wake' });
  }

  #pause(): void {
    const { ports, mailbox } = this.#bench;
    this.#cancelRetry?.();
    this.#cancelRetry = ports.clock.schedule(this.#retries.nextDelayMs(), () => {
      this.#cancelRetry = undefined;
      mailbox.tell({ kind: 'wake' });
    });
  }
}
