import { ChannelError, MlsError, type SkytaleError, toSkytaleError } from '../../base/errors.ts';
import { groupMembers, judgeRemoval } from '../../mls/index.ts';
import { Backoff } from '../../streams/index.ts';
import type { ControlPlane, PendingRemoval } from '../../transport/index.ts';
import type { CommitReceipt } from './channel-event.ts';
import { deferred } from './deferred.ts';
import type { Workbench } from './workbench.ts';

/** How often it asks without being told that there is something. */
const ASK_EVERY_MS = 60_000;
/** Who asks for a removal is there itself, as a rule: the others leave it so much time, and then each a moment of its own. */
const HEAD_START_MS = 150;
const MAX_SPREAD_MS = 200;
const SPREAD_PER_MEMBER_MS = 2;
/** Requests that were refused, and are not to be told of again. */
const MAX_REFUSED = 1024;

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
  readonly #stopped = new AbortController();
  readonly #refused = new Set<string>();
  #isCaughtUp = false;
  #isAsking = false;
  #asksAgain = false;
  #isOutOfReach = false;
  #cancelNext: (() => void) | undefined;
  #nextAtMs = Infinity;

  constructor(bench: Workbench) {
    this.#bench = bench;
    this.#controlPlane = bench.ports.controlPlane;
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
    const members = groupMembers(keeper.durable.group).length;
    const spreadMs = Math.min(MAX_SPREAD_MS, members * SPREAD_PER_MEMBER_MS);
    this.#askIn(HEAD_START_MS + ports.random.fraction() * spreadMs);
  }

  /** Asks nothing any more. */
  stop(): void {
    this.#stopped.abort(new ChannelError('channel_closed', `${this.#bench.keeper.record.name} is closed`));
    this.#cancelNext?.();
  }

  #askIn(delayMs: number): void {
    const controlPlane = this.#controlPlane;
    if (controlPlane === undefined || this.#stopped.signal.aborted) return;
    if (this.#isAsking) {
      this.#asksAgain ||= delayMs < ASK_EVERY_MS;
      return;
    }
    const { clock } = this.#bench.ports;
    const atMs = clock.now() + delayMs;
    if (atMs >= this.#nextAtMs) return;
    this.#cancelNext?.();
    this.#nextAtMs = atMs;
    this.#cancelNext = clock.schedule(delayMs, () => {
      this.#nextAtMs = Infinity;
      void this.#ask(controlPlane);
    });
  }

  async #ask(controlPlane: ControlPlane): Promise<void> {
    this.#isAsking = true;
    let nextMs = ASK_EVERY_MS;
    try {
      if (this.#isCaughtUp) await this.#round(controlPlane);
      this.#isOutOfReach = false;
      this.#retries.succeeded();
    } catch (error) {
      nextMs = this.#trouble(toSkytaleError(error)) ?? nextMs;
    }
    this.#isAsking = false;
    if (this.#asksAgain) this.notice();
    this.#asksAgain = false;
    this.#askIn(nextMs);
  }

  /** What went wrong, told once an outage. Returns when to try again. */
  #trouble(error: SkytaleError): number | undefined {
    // The control plane does not know the channel, or not that this account is in it: then it has nothing for us.
    if (this.#stopped.signal.aborted || error.code === 'not_found') return undefined;
    if (!this.#isOutOfReach) this.#bench.output.fault({ kind: 'removal-desk', error });
    this.#isOutOfReach = true;
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
      this.#refuse(removal, verdict.why);
      return false;
    }
    const { member, reason } = verdict;
    // Nobody can remove itself; the others do.
    if (member.leaf === group.ownLeaf) return false;
    const { identity, requestedBy } = removal;
    if (ports.acceptRemoval?.({ channel: name, identity, requestedBy, reason }) === false) return false;
    await this.#commit(removal);
    return true;
  }

  /** @throws what the commit was refused with, if who is meant is still there and could be removed */
  async #commit({ identity }: PendingRemoval): Promise<void> {
    const { promise, resolve, reject } = deferred<CommitReceipt>();
    const request = { change: { remove: [identity] }, waiter: { resolve, reject } };
    this.#bench.mailbox.tell({ kind: 'commit', request });
    try {
      await promise;
    } catch (error) {
      // Another member was faster.
      if (error instanceof ChannelError && error.code === 'not_found') return;
      throw error;
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

  #refuse({ id, identity }: PendingRemoval, why: string): void {
    if (this.#refused.has(id)) return;
    this.#refused.add(id);
    const [oldest] = this.#refused;
    if (this.#refused.size > MAX_REFUSED && oldest !== undefined) this.#refused.delete(oldest);
    const error = new MlsError('mls_error', `a request to remove a member was not followed: ${why}`);
    this.#bench.output.fault({ kind: 'removal-refused', identity, error });
  }
}
