import { toHex } from '../../base/bytes.ts';
import { MlsError } from '../../base/errors.ts';
import { groupMembers } from '../../mls/index.ts';
import { type PublishAnswer, refusalError, type Submission } from '../../transport/index.ts';
import { ForkVote } from './fork-vote.ts';
import type { IntakeStep } from './intake.ts';
import { isWorthRetrying } from './outbox-desk.ts';
import type { Workbench } from './workbench.ts';

/** Members speak within this time, each at a moment of its own: so one of them is enough as long as nobody disagrees. */
const SPREAD_MS = 200;
const SPREAD_PER_MEMBER_MS = 20;
/** How long the last of them may take to be heard. */
const HEARING_MS = 2_000;

/**
 * Notices that members of one epoch are in different states of it: that they were shown different histories.
 *
 * Such members cannot read each other, so whoever cannot read a message of its own epoch says in the log, signed and unencrypted, which
 * state it is in; if others are in the same, nothing follows. If one is in another state, that is a fork, proven by its
 * signature: every member speaks, and the smaller side stops reading and asks for a fresh leaf.
 */
export class ForkDesk {
  readonly #bench: Workbench;
  /** Told that this member is on the side that does not go on. */
  readonly #lost: (error: MlsError) => void;
  #epoch: bigint;
  #vote = new ForkVote();
  #isWishing = false;
  /** Whether the own statement is known to be in the log. */
  #isStored = false;
  #statement: Submission | undefined;
  #cancelStatement: (() => void) | undefined;
  #cancelJudgement: (() => void) | undefined;

  constructor(bench: Workbench, lost: (error: MlsError) => void) {
    this.#bench = bench;
    this.#lost = lost;
    this.#epoch = bench.keeper.record.group.epoch;
  }

  /** Whether something is planned, or contested. */
  get isBusy(): boolean {
    const isPlanned = this.#cancelStatement !== undefined || this.#cancelJudgement !== undefined;
    return isPlanned || this.#isWishing || (this.#statement !== undefined && !this.#isStored);
  }

  /** Hears what was read. */
  observe({ record, suspicious, statements, verdicts }: IntakeStep): void {
    this.#follow(record.group.epoch);
    for (const verdict of verdicts) {
      const own = this.#statement && toHex(this.#statement.messageId);
      if (verdict.kind === 'stored' && verdict.messageId === own) this.#stored(verdict.seq);
    }
    for (const { seq, epoch, sender, digest, agrees } of statements) {
      if (epoch !== this.#epoch) continue;
      this.#vote.heard(sender, digest, agrees, seq);
      if (agrees) continue;
      const error = new MlsError(
        'epoch_mismatch',
        `a member is in another state of epoch ${epoch}: the group is split`,
      );
      this.#bench.output.fault({ kind: 'fork', seq, epoch, sender, error });
      this.#wishToState();
      this.#planJudgement();
    }
    if (suspicious) this.#wishToState();
  }

  /** The moment to speak, unless another member has said the same and nobody anything else. */
  speak(): void {
    this.#cancelStatement = undefined;
    if (!this.#vote.isSeconded || this.#vote.isContested) this.#isWishing = true;
  }

  /** All who would speak have spoken. */
  judge(): void {
    this.#cancelJudgement = undefined;
    if (this.#vote.isWon) return;
    const { epoch } = this.#bench.keeper.record.group;
    const detail = `the group is split in epoch ${epoch}, and more members are in another state than in this one`;
    this.#lost(new MlsError('epoch_mismatch', detail));
  }

  /** Does what is due. Called when the channel has caught up. */
  async work(session: number): Promise<void> {
    const { ports, keeper, link, ids } = this.#bench;
    const { group } = keeper.record;
    this.#follow(group.epoch);
    if (!this.#isWishing || ports.stateEpoch === undefined) return;
    this.#isWishing = false;
    const payload = await ports.stateEpoch(group);
    this.#statement = { kind: 'message', epoch: group.epoch, messageId: ids.create(), payload };
    link.publish([this.#statement], session);
  }

  /** The relay's answers to messages, of which one may be the statement. */
  answered(submissions: readonly Submission[], answers: readonly PublishAnswer[]): void {
    const answer = this.#statement && answers[submissions.indexOf(this.#statement)];
    if (answer === undefined) return;
    if (answer.kind === 'accepted') this.#stored(answer.seq);
    else if (answer.reason === 'stale-epoch') return;
    else if (isWorthRetrying(answer.reason)) this.#isWishing = true;
    else this.#bench.output.fault({ kind: 'unsent', error: refusalError(answer.reason, answer.detail) });
  }

  /** The connection is lost, and perhaps the statement with it: it is made again. */
  suspend(): void {
    if (this.#statement === undefined || this.#isStored) return;
    this.#statement = undefined;
    this.#isWishing = true;
  }

  /** Forgets what was said in this epoch, as a new process does. */
  startOver(): void {
    this.stop();
    this.#vote = new ForkVote();
    this.#isWishing = false;
    this.#isStored = false;
    this.#statement = undefined;
  }

  /** Cancels what is scheduled. */
  stop(): void {
    this.#cancelStatement?.();
    this.#cancelJudgement?.();
    this.#cancelStatement = undefined;
    this.#cancelJudgement = undefined;
  }

  /** Every epoch is looked at by itself: whoever is in the next one with us is in the same state. */
  #follow(epoch: bigint): void {
    if (epoch === this.#epoch) return;
    this.#epoch = epoch;
    this.startOver();
  }

  #stored(seq: number): void {
    this.#isStored = true;
    this.#vote.stated(seq);
  }

  get #spreadMs(): number {
    return SPREAD_MS + SPREAD_PER_MEMBER_MS * groupMembers(this.#bench.keeper.record.group).length;
  }

  #wishToState(): void {
    const { ports, mailbox } = this.#bench;
    if (this.#statement !== undefined || this.#isWishing || this.#cancelStatement !== undefined) return;
    this.#cancelStatement = ports.clock.schedule(ports.random.fraction() * this.#spreadMs, () => {
      mailbox.tell({ kind: 'state-epoch' });
    });
  }

  #planJudgement(): void {
    const { ports, mailbox } = this.#bench;
    this.#cancelJudgement ??= ports.clock.schedule(2 * this.#spreadMs + HEARING_MS, () => {
      mailbox.tell({ kind: 'judge-fork' });
    });
  }
}
