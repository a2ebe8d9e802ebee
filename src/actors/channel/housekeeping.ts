import { toHex } from '../../base/bytes.ts';
import { AuthError, ChannelError, toSkytaleError } from '../../base/errors.ts';
import { type ChannelRecord, groupMembers, leavingMembers, type RotationPolicy, rotationDue } from '../../mls/index.ts';
import type { ChannelEvent, GroupChange, RejoinRequest } from './channel-event.ts';
import { type PublishAnswer, refusalError, type Submission } from '../../transport/index.ts';
import type { CommitDesk } from './commit-desk.ts';
import { isWorthRetrying, type Waiter } from './outbox-desk.ts';
import type { Workbench } from './workbench.ts';

/** Within this time one of the members does what any of them could; each waits for a moment of its own. */
const SPREAD_MS = 200;
/** When own keys are renewed without anybody asking. */
const DEFAULT_ROTATION: RotationPolicy = { maxMessages: 10_000, maxAgeMs: 24 * 60 * 60 * 1000 };

/**
 * What a channel does with its group by itself: removes who asks to leave, gives a fresh leaf to who asks for one, renews
 * keys that have served long, and leaves.
 */
export class Housekeeping {
  readonly #bench: Workbench;
  readonly #commits: CommitDesk;
  readonly #leaveWaiters: Waiter<undefined>[] = [];
  /** The epoch in which own wish to leave is in the log, or on its way. A proposal ends with its epoch. */
  #proposedIn: bigint | undefined;
  #proposal: Submission | undefined;
  #isWishing = false;
  #cancelRemoval: (() => void) | undefined;
  /** Who asked for a fresh leaf and has none yet. */
  readonly #rejoiners = new Map<string, RejoinRequest>();
  #cancelReplacement: (() => void) | undefined;
  #epoch: bigint;
  #epochStartedAtMs: number;
  #messagesSent = 0;
  #isRotating = false;
  /** The epoch in which this account was told that it may not commit. */
  #deniedIn: bigint | undefined;

  constructor(bench: Workbench, commits: CommitDesk) {
    this.#bench = bench;
    this.#commits = commits;
    this.#epoch = bench.keeper.record.group.epoch;
    this.#epochStartedAtMs = bench.ports.clock.now();
  }

  /** Somebody wants this member to leave. Settled when it is removed, see {@link Housekeeping.removed}. */
  wishToLeave(waiter: Waiter<undefined>): void {
    if (groupMembers(this.#bench.keeper.record.group).length === 1) {
      waiter.reject(
        new ChannelError('bad_request', 'the only member of a channel cannot leave it: nobody would be left'),
      );
      return;
    }
    this.#isWishing = true;
    this.#leaveWaiters.push(waiter);
  }

  /** This member is removed: whoever wanted it to leave has what it wanted. */
  removed(): void {
    for (const waiter of this.#leaveWaiters.splice(0)) waiter.resolve(undefined);
  }

  /** Nobody will wait any longer. */
  rejectAll(error: unknown): void {
    for (const waiter of this.#leaveWaiters.splice(0)) waiter.reject(error);
  }

  /** Whether something is planned, or somebody waits. */
  get isBusy(): boolean {
    const isPlanned = this.#cancelRemoval !== undefined || this.#cancelReplacement !== undefined;
    return isPlanned || this.#rejoiners.size > 0 || this.#isRotating || this.#leaveWaiters.length > 0;
  }

  /** Own keys have served from now on, as far as this run knows. */
  startOver(): void {
    this.#epochStartedAtMs = this.#bench.ports.clock.now();
    this.#messagesSent = 0;
  }

  /** The connection is lost, and perhaps the proposal with it: it is made again. */
  suspend(): void {
    this.#proposedIn = undefined;
    this.#deniedIn = undefined;
  }

  /** The relay's answers to messages, of which one may be the wish to leave. */
  answered(submissions: readonly Submission[], answers: readonly PublishAnswer[]): void {
    const answer = this.#proposal && answers[submissions.indexOf(this.#proposal)];
    if (answer?.kind !== 'refused') return;
    // In a later epoch it is made again anyway.
    if (answer.reason === 'stale-epoch') return;
    if (isWorthRetrying(answer.reason)) this.#proposedIn = undefined;
    else this.rejectAll(refusalError(answer.reason, answer.detail));
  }

  /** Counts own messages towards the next renewal of keys. */
  sent(messages: number): void {
    this.#messagesSent += messages;
  }

  /** Hears of requests for a fresh leaf, and of who has got one. */
  observe(events: readonly ChannelEvent[]): void {
    for (const event of events) {
      if (event.kind === 'rejoin-request') this.#rejoiners.set(toHex(event.member.identity), event);
      // A request is good in one epoch.
      if (event.kind === 'epoch-change') this.#rejoiners.clear();
    }
  }

  /** Does what is due. Called when the channel has caught up. */
  async work(session: number): Promise<void> {
    const { keeper } = this.#bench;
    this.#followEpoch(keeper.record);
    await this.#propose(keeper.record, session);
    if (this.#deniedIn === this.#epoch) return;
    // Asked for anew: the group from before the proposal is erased.
    this.#removeLeavers(keeper.record);
    this.#replaceRejoiners();
    this.#rotate();
  }

  /** Cancels what is scheduled. */
  stop(): void {
    this.#cancelRemoval?.();
    this.#cancelReplacement?.();
  }

  #followEpoch({ group }: ChannelRecord): void {
    if (group.epoch === this.#epoch) return;
    this.#epoch = group.epoch;
    this.#epochStartedAtMs = this.#bench.ports.clock.now();
    this.#messagesSent = 0;
  }

  async #propose(record: ChannelRecord, session: number): Promise<void> {
    const { ports, keeper, ids, link } = this.#bench;
    const { epoch, ownLeaf } = record.group;
    // The wish is kept with the group, so it outlives this process.
    const isLeaving = this.#isWishing || leavingMembers(record.group).some(({ leaf }) => leaf === ownLeaf);
    if (!isLeaving || this.#proposedIn === epoch || record.pendingCommit !== undefined) return;
    const framing = record.commitSpentInEpoch === epoch ? 'public' : 'private';
    const { group, proposal } = await ports.steps.proposeLeave(ports.engine, record.group, framing);
    await keeper.commit({ ...record, group });
    this.#proposedIn = epoch;
    this.#proposal = { kind: 'message', epoch, messageId: ids.create(), payload: proposal };
    link.publish([this.#proposal], session);
  }

  #removeLeavers({ group }: ChannelRecord): void {
    if (this.#cancelRemoval !== undefined || !hasLeavers(group)) return;
    const { ports, mailbox } = this.#bench;
    this.#cancelRemoval = ports.clock.schedule(ports.random.fraction() * SPREAD_MS, () => {
      mailbox.tell({ kind: 'remove-leavers' });
    });
  }

  /** The moment to remove who leaves, unless another member was faster. */
  removeLeavers(): void {
    this.#cancelRemoval = undefined;
    if (hasLeavers(this.#bench.keeper.record.group)) this.#request({}, () => undefined);
  }

  #replaceRejoiners(): void {
    if (this.#cancelReplacement !== undefined || this.#rejoiners.size === 0) return;
    const { ports, mailbox } = this.#bench;
    this.#cancelReplacement = ports.clock.schedule(ports.random.fraction() * SPREAD_MS, () => {
      mailbox.tell({ kind: 'replace-rejoiners' });
    });
  }

  /** The moment to give a fresh leaf to who asked for one, unless another member was faster. */
  replaceRejoiners(): void {
    this.#cancelReplacement = undefined;
    for (const [key, { keyPackage }] of [...this.#rejoiners]) {
      this.#rejoiners.delete(key);
      // Only in the epoch that the request was made for: in the next one, somebody else has granted it, or it is made anew.
      const { epoch } = this.#bench.keeper.record.group;
      this.#request({ replace: [keyPackage] }, () => undefined, epoch);
    }
  }

  #rotate(): void {
    const { ports } = this.#bench;
    const use = {
      messagesSent: this.#messagesSent,
      epochStartedAtMs: this.#epochStartedAtMs,
      nowMs: ports.clock.now(),
    };
    if (this.#isRotating || !rotationDue(use, ports.rotation ?? DEFAULT_ROTATION)) return;
    this.#isRotating = true;
    this.#request({ rotate: true }, () => (this.#isRotating = false));
  }

  #request(change: GroupChange, done: () => void, onlyInEpoch?: bigint): void {
    const { keeper, output } = this.#bench;
    const { epoch } = keeper.record.group;
    this.#commits.request({
      change,
      ...(onlyInEpoch !== undefined && { onlyInEpoch }),
      waiter: {
        resolve: done,
        reject: (error) => {
          done();
          // In a later epoch there may be nothing left to do, and then the engine says so.
          const isStillWanted = keeper.record.group.isActive && keeper.record.group.epoch === epoch;
          if (isStillWanted && error instanceof AuthError) this.#deniedIn = epoch;
          if (isStillWanted) output.fault({ kind: 'commit-failed', error: toSkytaleError(error) });
        },
      },
    });
    this.#bench.mailbox.tell({ kind: 'wake' });
  }
}

/** Whether somebody else has asked to leave and is still there. */
function hasLeavers(group: ChannelRecord['group']): boolean {
  return group.isActive && leavingMembers(group).some(({ leaf }) => leaf !== group.ownLeaf);
}
