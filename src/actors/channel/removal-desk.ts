import { ChannelError, MlsError, type SkytaleError, toSkytaleError } from '../../base/errors.ts';
import { groupMembers, judgeRemoval } from '../../mls/index.ts';
import { Backoff, EarliestTimer } from '../../streams/index.ts';
import type { ControlPlane, PendingRemoval } from '../../transport/index.ts';
import { channelClosed } from './channel-closed.ts';
import type { ChannelFault, CommitReceipt } from './channel-event.ts';
import { deferred } from './deferred.ts';
import type { Outage } from './outage.ts';
import type { Workbench } from './workbench.ts';

/** How often it asks without being told that there is something. */
const ASK_EVERY_MS = 60_000;
/** Who asks for a removal is there itself, as a rule: the others leave it so much time, and then each a moment of its own. */
const HEAD_START_MS = 150;
const MAX_SPREAD_MS = 200;
const SPREAD_PER_MEMBER_MS = 2;
/** Requests that could not be followed, and are not to be told of again. */
const MAX_TOLD = 1024;

/**
 * Removes members whose agents were revoked. Asks the control plane who there is when the channel has caught up, when the
 * relay gives notice, and once a minute. Follows requests that a member has signed and no others, see {@link judgeRemoval}.
 *
 * It works beside the channel's actor, as the desk for those who want to join does: what it wants of the group it asks for
 * like any user. Nothing is lost when the process ends: a removal waits at the control plane until somebody has seen it done.
 */
export class RemovalDesk {
  readonly #bench: Workbench;
  readonly #controlPlane: ControlPlane | undefined;
  readonly #retries: Backoff;
  readonly #outage: Outage;
  readonly #next: EarliestTimer;
  readonly #stopped = new AbortController();
  /** Ids of requests. */
  readonly #told = new Set<string>();
  #isCaughtUp = false;
  #isAsking = false;
  #asksAgain = false;

  constructor(bench: Workbench, outage: Outage) {
    this.#bench = bench;
    this.#controlPlane = bench.ports.controlPlane;
    this.#outage = outage;
    this.#next = new EarliestTimer(bench.ports.clock, () => {
      if (this.#controlPlane !== undefined) void this.#ask(this.#controlPlane);
    });
    this.#retries = new Backoff({ minMs: 1_000, maxMs: ASK_EVERY_MS }, bench.ports);
  }

  /** All that was in the log is read. */
  caughtUp(): void {
    this.#isCaughtUp = true;
    this.notice();
  }

  /** The connection is lost: what the group is now is not known. */
  suspend(): void {
    this.#isCaughtUp = false;
  }

  /** There may be something to do. */
  notice(): void {
    const { ports, keeper } = this.#bench;
    if (ports.controlPlane === undefined) return;
    const members = groupMembers(keeper.durable.group).length;
    const spreadMs = Math.min(MAX_SPREAD_MS, members * SPREAD_PER_MEMBER_MS);
    this.#askIn(HEAD_START_MS + ports.random.fraction() * spreadMs);
  }

  /** Asks nothing any more. */
  stop(): void {
    this.#stopped.abort(channelClosed(this.#bench.keeper.record.name));
    this.#next.stop();
  }

  #askIn(delayMs: number): void {
    if (this.#controlPlane === undefined || this.#stopped.signal.aborted) return;
    if (this.#isAsking) this.#asksAgain ||= delayMs < ASK_EVERY_MS;
    else this.#next.fireIn(delayMs);
  }

  async #ask(controlPlane: ControlPlane): Promise<void> {
    this.#isAsking = true;
    let nextMs = ASK_EVERY_MS;
    try {
      if (this.#isCaughtUp) await this.#round(controlPlane);
      this.#outage.answered(this);
      this.#retries.succeeded();
    } catch (error) {
      nextMs = this.#trouble(toSkytaleError(error)) ?? nextMs;
    }
    this.#isAsking = false;
    if (this.#asksAgain) this.notice();
    this.#asksAgain = false;
    this.#askIn(nextMs);
  }

  /** The control plane does not answer. Returns when to try again. */
  #trouble(error: SkytaleError): number | undefined {
    // The control plane does not know the channel, or not that this account is in it: then it has nothing for us.
    if (this.#stopped.signal.aborted || error.code === 'not_found') return undefined;
    this.#outage.noticed(this, error);
    return this.#retries.nextDelayMs();
  }

  async #round(controlPlane: ControlPlane): Promise<void> {
    const { signal } = this.#stopped;
    const removals = await controlPlane.removals(this.#bench.keeper.durable.name, signal);
    for (const removal of removals) {
      if (await this.#isDone(removal)) await this.#report(controlPlane, removal.id);
    }
  }

  /** Whether who is to be removed is gone, be it because of this member. */
  async #isDone(removal: PendingRemoval): Promise<boolean> {
    const { ports, keeper } = this.#bench;
    const { group, name } = keeper.durable;
    const verdict = await judgeRemoval(ports.engine, group, removal);
    if (verdict.kind === 'gone') return true;
    if (verdict.kind === 'void') {
      const error = new MlsError('mls_error', `a request to remove a member was not followed: ${verdict.why}`);
      this.#tellOnce(removal, { kind: 'removal-refused', identity: removal.identity, error });
      return false;
    }
    const { member, reason } = verdict;
    // Nobody can remove itself; the others do.
    if (member.leaf === group.ownLeaf) return false;
    const { identity, requestedBy } = removal;
    if (ports.acceptRemoval?.({ channel: name, identity, requestedBy, reason }) === false) return false;
    return this.#commit(removal);
  }

  /** Whether who is meant is gone. What was not possible is tried again the next time. */
  async #commit(removal: PendingRemoval): Promise<boolean> {
    const { identity } = removal;
    const { promise, resolve, reject } = deferred<CommitReceipt>();
    const request = { change: { remove: [identity] }, waiter: { resolve, reject } };
    this.#bench.mailbox.tell({ kind: 'commit', request });
    try {
      await promise;
      return true;
    } catch (thrown) {
      const error = toSkytaleError(thrown);
      // Another member was faster.
      if (error.code === 'not_found') return true;
      if (!this.#stopped.signal.aborted) this.#tellOnce(removal, { kind: 'commit-failed', error });
      return false;
    }
  }

  async #report(controlPlane: ControlPlane, id: string): Promise<void> {
    try {
      await controlPlane.removalDone(id, this.#stopped.signal);
    } catch (error) {
      // Another member has reported it.
      if (!(error instanceof ChannelError)) throw error;
    }
  }

  #tellOnce({ id }: PendingRemoval, fault: ChannelFault): void {
    if (this.#told.has(id)) return;
    this.#told.add(id);
    const [oldest] = this.#told;
    if (this.#told.size > MAX_TOLD && oldest !== undefined) this.#told.delete(oldest);
    this.#bench.output.fault(fault);
  }
}
