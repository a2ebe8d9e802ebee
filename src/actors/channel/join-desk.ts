import type { Observable } from 'rxjs';
import { ChannelError, MlsError, RuntimeError, type SkytaleError, toSkytaleError } from '../../base/errors.ts';
import { groupMembers, type JoinDecision } from '../../mls/index.ts';
import { abortable, Backoff, EarliestTimer, yieldTurn } from '../../streams/index.ts';
import type { ControlPlane, PendingJoin } from '../../transport/index.ts';
import { channelClosed } from './channel-closed.ts';
import { AdmissionReports } from './admission-reports.ts';
import { deferred } from './deferred.ts';
import { admission, judge, JUDGED_AT_ONCE, type Judged } from './join-judge.ts';
import { JoinPace } from './join-pace.ts';
import { type JoinRequest, OpenJoinRequests } from './join-request.ts';
import type { CommitReceipt } from './channel-event.ts';
import type { Outage } from './outage.ts';
import type { Workbench } from './workbench.ts';

/** How often it asks without being told that there is something. */
const ASK_EVERY_MS = 60_000;
/** How long a request that only others should admit waits for them, until somebody is asked. */
const LEFT_TO_OTHERS_MS = 60_000;
/** Requests that are being admitted at one time. */
const MAX_IN_HAND = 256;
/** Requests that this member could not deal with, and is not to try again at once. */
const MAX_RESTING = 1024;
const REST_MS = 60_000;
const MAX_REASON = 256;
/** How long a request is doubtful before it is denied. */
const SECOND_LOOK_MS = 2_000;
/** Requests that the control plane lists at most. */
const MAX_LISTED = 256;

type Accepted = Extract<Judged, { decision: JoinDecision }>;
type Refused = Extract<Judged, { refused: SkytaleError }>;

/**
 * Lets in those who come with an invite. Asks the control plane who there is when the channel has caught up, when the relay
 * gives notice, and once a minute; checks each request as if the control plane were an enemy; admits those that may come
 * without asking, all in one commit; shows the others to whoever decides; and reports.
 *
 * It works beside the channel's actor, never inside of its turns: what it wants of the group it asks for like any user, and
 * the group's own memory of who came decides when the commit is made. So nothing is lost when the process ends anywhere:
 * what was claimed is put back by the control plane, what was committed is in the log, and whoever sees a request whose
 * commit is there reports it.
 */
export class JoinDesk {
  readonly #bench: Workbench;
  readonly #controlPlane: ControlPlane | undefined;
  readonly #open = new OpenJoinRequests();
  readonly #pace: JoinPace;
  readonly #retries: Backoff;
  readonly #outage: Outage;
  readonly #next: EarliestTimer;
  readonly #stopped = new AbortController();
  /** Whether the group is known as far as the log goes. */
  #isCaughtUp = false;
  #isAsking = false;
  #askAgain = false;
  readonly #inHand = new Set<string>();
  readonly #reports: AdmissionReports;
  /** By id, since when it was refused and not denied yet. */
  readonly #suspects = new Map<string, number>();
  #secondLook = false;
  /** By id, until when. */
  readonly #resting = new Map<string, number>();

  constructor(bench: Workbench, outage: Outage) {
    this.#bench = bench;
    this.#controlPlane = bench.ports.controlPlane;
    this.#outage = outage;
    this.#next = new EarliestTimer(bench.ports.clock, () => {
      if (this.#controlPlane !== undefined) void this.#ask(this.#controlPlane);
    });
    this.#pace = new JoinPace(bench.ports);
    this.#reports = new AdmissionReports(bench.ports, this.#stopped.signal, (error) => void this.#trouble(error));
    this.#retries = new Backoff({ minMs: 1_000, maxMs: ASK_EVERY_MS }, bench.ports);
  }

  /** Requests that wait for a decision, those first that wait already. Hot; completes when the channel stops; never errors. */
  get requests$(): Observable<JoinRequest> {
    return this.#open.requests$;
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

  /** There may be something to look at. */
  notice(): void {
    if (this.#bench.ports.controlPlane === undefined) return;
    const { group } = this.#bench.keeper.durable;
    this.#askIn(this.#pace.delayMs(groupMembers(group).length));
  }

  /** Asks nothing any more, and nobody. */
  stop(): void {
    this.#stopped.abort(channelClosed(this.#bench.keeper.record.name));
    this.#next.stop();
    this.#open.complete();
  }

  #askIn(delayMs: number): void {
    if (this.#controlPlane === undefined || this.#stopped.signal.aborted) return;
    if (this.#isAsking) this.#askAgain ||= delayMs < ASK_EVERY_MS;
    else this.#next.fireIn(delayMs);
  }

  async #ask(controlPlane: ControlPlane): Promise<void> {
    this.#isAsking = true;
    let nextMs = ASK_EVERY_MS;
    try {
      if (this.#isCaughtUp) this.#pace.found(await this.#round(controlPlane));
      this.#outage.answered(this);
      this.#retries.succeeded();
    } catch (error) {
      nextMs = this.#trouble(toSkytaleError(error)) ?? nextMs;
    }
    this.#isAsking = false;
    const [again, secondLook] = [this.#askAgain, this.#secondLook];
    this.#askAgain = false;
    this.#secondLook = false;
    if (again) this.notice();
    this.#askIn(secondLook ? SECOND_LOOK_MS : nextMs);
  }

  /** The control plane does not answer. Returns when to try again. */
  #trouble(error: SkytaleError): number | undefined {
    if (this.#stopped.signal.aborted) return undefined;
    // Nobody has invited anybody yet, or our own admission is not reported yet: there will be notice.
    if (error.code === 'not_found') return undefined;
    this.#outage.noticed(this, error);
    return this.#retries.nextDelayMs();
  }

  /** Looks through what waits. Returns how many are to be admitted. */
  async #round(controlPlane: ControlPlane): Promise<number> {
    this.#askAgain = false;
    const { signal } = this.#stopped;
    const { name } = this.#bench.keeper.durable;
    const pending = await controlPlane.pending(name, signal);
    const judged = await this.#judgeAll(pending.filter(({ id }) => !this.#isInHand(id) && !this.#isResting(id)));
    if (signal.aborted) return 0;
    const accepted = judged.filter((each) => 'decision' in each);
    this.#open.show(
      accepted.filter((each) => this.#needsSomebody(each)).map((each) => this.#toRequest(controlPlane, each)),
    );
    for (const { request, decision } of accepted) {
      // While it is claimed, whoever has claimed it reports it.
      if (decision.kind === 'done' && request.status === 'waiting')
        this.#reports.send(controlPlane, request.id, decision.leaf);
    }
    const refused = this.#certain(judged.filter((each) => 'refused' in each));
    const wanted = new Map<string, Judged>();
    for (const each of [...accepted.filter(({ decision }) => decision.kind === 'admit'), ...refused]) {
      const hasRoom = this.#inHand.size + wanted.size < MAX_IN_HAND;
      if (each.request.status === 'waiting' && hasRoom) wanted.set(each.request.id, each);
    }
    if (wanted.size > 0) {
      const claimed = await controlPlane.claim(name, { ids: [...wanted.keys()], limit: wanted.size }, signal);
      // What was judged counts, whatever the control plane shows now.
      return this.#settle(
        controlPlane,
        claimed.flatMap(({ id }) => wanted.get(id) ?? []),
      );
    }
    if (pending.length < MAX_LISTED) return 0;
    // Those that wait for somebody's decision hide those that need none.
    const hidden = await controlPlane.claim(name, {}, signal);
    return this.#settle(controlPlane, await this.#judgeAll(hidden));
  }

  /** Does with claimed requests what was judged. Returns how many are to be admitted. */
  #settle(controlPlane: ControlPlane, claimed: readonly Judged[]): number {
    let admitted = 0;
    for (const each of claimed) {
      if ('refused' in each) {
        void this.#refuse(controlPlane, each.request, each.refused);
      } else if (each.decision.kind === 'admit') {
        admitted += 1;
        void this.#admit(controlPlane, each);
      } else {
        this.#rest(each.request.id);
        void this.#trying(() => controlPlane.release(each.request.id, this.#stopped.signal));
      }
    }
    return admitted;
  }

  async #judgeAll(requests: readonly PendingJoin[]): Promise<readonly Judged[]> {
    const judged: Judged[] = [];
    for (const request of requests) {
      judged.push(await judge(this.#bench, request));
      if (judged.length % JUDGED_AT_ONCE === 0) await yieldTurn();
    }
    return judged;
  }

  /**
   * Those that were refused a while ago already. What the log has yet to bring may put a request in another light: who has made
   * its invite may have joined a moment ago.
   */
  #certain(refused: readonly Refused[]): readonly Refused[] {
    const nowMs = this.#bench.ports.clock.now();
    const before = new Map(this.#suspects);
    this.#suspects.clear();
    for (const { request } of refused) this.#suspects.set(request.id, before.get(request.id) ?? nowMs);
    const certain = refused.filter(({ request }) => nowMs - (before.get(request.id) ?? nowMs) >= SECOND_LOOK_MS);
    if (certain.length < refused.length) this.#secondLook = true;
    return certain;
  }

  #needsSomebody({ decision, request, verified }: Accepted): boolean {
    if (decision.kind === 'ask') return true;
    const ageMs = this.#bench.ports.clock.now() - verified.madeAtMs;
    return decision.kind === 'before-us' && request.status === 'waiting' && ageMs >= LEFT_TO_OTHERS_MS;
  }

  #toRequest(controlPlane: ControlPlane, judged: Accepted): JoinRequest {
    const { request, verified, decision } = judged;
    const { id, identity, inviteId: invite } = request;
    return {
      id,
      identity,
      invite,
      replaces: 'replaces' in decision && decision.replaces,
      requestedAt: verified.madeAtMs,
      approve: async ({ signal } = {}) => {
        signal?.throwIfAborted();
        await abortable(this.#approve(controlPlane, judged), signal);
      },
      deny: async (reason, { signal } = {}) => {
        signal?.throwIfAborted();
        if (typeof reason !== 'string' || reason.length === 0 || reason.length > MAX_REASON) {
          throw new RuntimeError('invalid_argument', `Expected \`reason\` to have 1 to ${MAX_REASON} characters.`);
        }
        const denied = controlPlane.deny(id, reason, this.#stopped.signal).then(() => this.#open.remove(id));
        await abortable(denied, signal);
      },
    };
  }

  async #approve(controlPlane: ControlPlane, judged: Accepted): Promise<void> {
    const { request } = judged;
    const { name } = this.#bench.keeper.durable;
    this.#stopped.signal.throwIfAborted();
    if (this.#isInHand(request.id)) throw new ChannelError('bad_request', 'the request is being admitted already');
    const claimed = await controlPlane.claim(name, { ids: [request.id], limit: 1 }, this.#stopped.signal);
    if (claimed.every(({ id }) => id !== request.id)) {
      throw new ChannelError('not_found', 'the request does not wait any more, or another member is about to decide');
    }
    this.#open.remove(request.id);
    try {
      this.#reports.send(controlPlane, request.id, await this.#commit(judged, true));
    } catch (error) {
      const { decision } = { decision: undefined, ...(await judge(this.#bench, request)) };
      if (decision?.kind === 'done') {
        this.#reports.send(controlPlane, request.id, decision.leaf);
        return;
      }
      await this.#trying(() => controlPlane.release(request.id, this.#stopped.signal));
      throw error;
    }
  }

  /** Admits somebody without asking. Never rejects. */
  async #admit(controlPlane: ControlPlane, judged: Accepted): Promise<void> {
    const { request } = judged;
    try {
      this.#reports.send(controlPlane, request.id, await this.#commit(judged, false));
    } catch (error) {
      await this.#fail(controlPlane, judged, toSkytaleError(error));
    }
  }

  /** It could not be admitted: perhaps it is in, perhaps it cannot be, perhaps another member can. */
  async #fail(controlPlane: ControlPlane, judged: Accepted, error: SkytaleError): Promise<void> {
    if (this.#stopped.signal.aborted) return;
    const { request } = judged;
    const { decision } = { decision: undefined, ...(await judge(this.#bench, request)) };
    if (decision?.kind === 'done') {
      this.#reports.send(controlPlane, request.id, decision.leaf);
      return;
    }
    if (error instanceof MlsError) {
      await this.#refuse(controlPlane, request, error);
      return;
    }
    this.#rest(request.id);
    if (error.code !== 'commit_conflict') this.#bench.output.fault({ kind: 'commit-failed', error });
    await this.#trying(() => controlPlane.release(request.id, this.#stopped.signal));
  }

  async #refuse(controlPlane: ControlPlane, { id, identity }: PendingJoin, error: SkytaleError): Promise<void> {
    // Once, whatever the control plane makes of it.
    this.#rest(id);
    this.#bench.output.fault({ kind: 'join-refused', identity, error });
    const reason = withoutPrefix(error.message).slice(0, MAX_REASON);
    await this.#trying(() => controlPlane.deny(id, reason, this.#stopped.signal));
  }

  /** The commit that brings somebody in, once it has won. */
  async #commit(judged: Accepted, isApproved: boolean): Promise<CommitReceipt> {
    const { id } = judged.request;
    const { promise, resolve, reject } = deferred<CommitReceipt>();
    this.#inHand.add(id);
    const request = { ...admission(judged, isApproved), waiter: { resolve, reject } };
    this.#bench.mailbox.tell({ kind: 'commit', request });
    try {
      return await promise;
    } finally {
      this.#inHand.delete(id);
    }
  }

  /** For what may fail without harm: the lease of a request ends by itself, and what is not denied shows up again. */
  async #trying(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      // Another member may have settled it.
      if (!(error instanceof ChannelError)) this.#trouble(toSkytaleError(error));
    }
  }

  #isInHand(id: string): boolean {
    return this.#inHand.has(id) || this.#reports.has(id);
  }

  #isResting(id: string): boolean {
    const untilMs = this.#resting.get(id);
    return untilMs !== undefined && untilMs > this.#bench.ports.clock.now();
  }

  #rest(id: string): void {
    this.#resting.delete(id);
    this.#resting.set(id, this.#bench.ports.clock.now() + REST_MS);
    const [oldest] = this.#resting.keys();
    if (this.#resting.size > MAX_RESTING && oldest !== undefined) this.#resting.delete(oldest);
  }
}

/** A message without the name of its class, for somebody who does not know our classes. */
function withoutPrefix(message: string): string {
  return message.replace(/^[a-z ]+: /i, '');
}
