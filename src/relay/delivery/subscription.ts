import { equalBytes } from '../../base/bytes.ts';
import type { ChannelName } from '../../base/channel-name.ts';
import type { LinkStart, NoticeTopic, RefusalReason } from '../../transport/index.ts';
import { lastSeq } from '../engine/entry-run.ts';
import type { LogEngine, LogPage } from '../engine/log-engine.ts';
import { chunksOf, MAX_FRAME_BYTES, MAX_FRAME_ENTRIES } from './chunk.ts';
import type { Chunk } from './chunk.ts';
import type { DeliveryHub } from './delivery-hub.ts';

/** Says whether a reader may have what it reads. While it is closed, nothing is delivered. */
export interface ReadGuard {
  readonly isOpen: boolean;
  /** The log has grown. Called before anything of it is delivered. */
  grown(): void;
  /** Whether what was just read from the log may be delivered. */
  confirm(): Promise<boolean>;
}

/** What a client asked for. */
export interface SubscriptionRequest {
  /** The client's number for it. */
  readonly id: number;
  readonly channel: ChannelName;
  readonly group: Uint8Array;
  readonly credit: number;
  /** Absent where everybody may read everything. */
  readonly guard?: ReadGuard;
}

/** Where a subscription's frames go. */
export interface SubscriptionOutlet {
  /** @param onWritten called when the chunk's bytes are not needed any more, if it ever is */
  deliver(subscription: number, chunk: Chunk, onWritten?: () => void): void;
  caughtUp(subscription: number, headSeq: number): void;
  gap(subscription: number, afterSeq: number, resumesAtSeq: number): void;
  notice(subscription: number, topic: NoticeTopic): void;
  /** The last call. */
  refused(subscription: number, reason: RefusalReason, detail: string): void;
  /** There may be something to do: call {@link Subscription.step} when there is room. */
  ready(subscription: Subscription): void;
}

/** What a step did: delivered something, found nothing to do, or found that a page must be read from the log. */
export type StepResult = 'delivered' | 'idle' | 'needs-page';

/** More would overflow what both sides count in. */
const MAX_CREDIT = 2 ** 32 - 1;
/** Entries of a page; a page of larger ones ends at {@link MAX_FRAME_BYTES}. */
const PAGE_ENTRIES = 4 * MAX_FRAME_ENTRIES;

/**
 * One reader's way through a channel's log. It holds a position and a credit and no entries: what it delivers comes
 * from the recent entries in memory or, a page at a time, from the log, and only when the connection has room. A slow
 * reader therefore costs nothing but its position.
 */
export class Subscription {
  readonly id: number;
  readonly channel: ChannelName;
  readonly #group: Uint8Array;
  readonly #guard: ReadGuard | undefined;
  readonly #hub: DeliveryHub;
  readonly #outlet: SubscriptionOutlet;
  #credit: number;
  #position = 0;
  #headSeq = 0;
  /** Where the log ended when the subscription was made; `undefined` once that was announced. */
  #announceAtSeq: number | undefined;
  /** Notices that wait until the reader may have them and its connection has room: one of each topic at most. */
  readonly #notices = new Set<NoticeTopic>();
  #state: 'opening' | 'open' | 'ended' = 'opening';
  readonly #unwatch: () => void;

  constructor(request: SubscriptionRequest, hub: DeliveryHub, outlet: SubscriptionOutlet) {
    this.id = request.id;
    this.channel = request.channel;
    this.#group = request.group;
    this.#guard = request.guard;
    this.#credit = request.credit;
    this.#hub = hub;
    this.#outlet = outlet;
    // Before the log is asked where it ends, so that nothing is appended unseen in between.
    this.#unwatch = hub.watchChannel(this.channel, {
      appended: (headSeq, group) => this.#grown(headSeq, group),
      noticed: (topic) => this.#noticed(topic),
    });
  }

  /** Finds the place to start from. Then the subscription is ready, or was refused. */
  async open(engine: LogEngine, start: LinkStart): Promise<void> {
    const state = await engine.state(this.channel);
    if (state !== undefined && !equalBytes(state.group, this.#group)) {
      this.refuse('foreign-group', 'the channel belongs to another MLS group');
      return;
    }
    const headSeq = state?.headSeq ?? 0;
    const afterSeq =
      'afterSeq' in start ? start.afterSeq : await engine.commitSeq(this.channel, start.afterCommitOfEpoch);
    if (afterSeq === undefined) {
      this.refuse('epoch-unknown', 'no commit in the log has ended that epoch');
      return;
    }
    if (afterSeq > Math.max(headSeq, this.#headSeq)) {
      // Going on would let the reader mistake new entries for ones that it has.
      this.refuse('log-went-back', `the log ends at ${headSeq}, before the place to start from`);
      return;
    }
    if (this.#state !== 'opening') return;
    this.#state = 'open';
    this.#position = afterSeq;
    this.#headSeq = Math.max(headSeq, this.#headSeq);
    this.#announceAtSeq = headSeq;
    this.#outlet.ready(this);
  }

  /** Allows `entries` more entries. */
  grant(entries: number): void {
    this.#credit = Math.min(MAX_CREDIT, this.#credit + entries);
    if (this.#state === 'open') this.#outlet.ready(this);
  }

  /** Delivers at most one frame. To be called while the connection has room. */
  step(): StepResult {
    if (!this.#mayDeliver) return 'idle';
    this.#announce();
    for (const topic of this.#notices) this.#outlet.notice(this.id, topic);
    this.#notices.clear();
    if (this.#credit === 0 || this.#position >= this.#headSeq) return 'idle';
    // Not beyond what it was told of: a guard may have to look at that first.
    const chunk = this.#hub.recent.after(this.channel, this.#position, this.#headSeq, this.#credit);
    if (chunk === undefined) return 'needs-page';
    this.#deliver(chunk);
    return 'delivered';
  }

  /** Delivers a page from the log, which was asked for after a step said so. */
  async readPage(engine: LogEngine): Promise<void> {
    const afterSeq = this.#position;
    const entries = Math.min(this.#credit, PAGE_ENTRIES);
    const page = await engine.read(this.channel, afterSeq, { entries, bytes: MAX_FRAME_BYTES });
    const isConfirmed = this.#guard === undefined || (await this.#guard.confirm());
    if (isConfirmed && this.#mayDeliver) this.#take(page);
    else page.release?.();
  }

  /** The guard has opened. */
  resume(): void {
    if (this.#state === 'open') this.#outlet.ready(this);
  }

  /** Ends the subscription with a reason for the client. Idempotent. */
  refuse(reason: RefusalReason, detail: string): void {
    if (this.#state === 'ended') return;
    this.end();
    this.#outlet.refused(this.id, reason, detail);
  }

  /** Ends the subscription because its entries cannot be read. */
  fail(): void {
    this.refuse('unavailable', 'the log cannot be read just now');
  }

  /** Delivers nothing more. Idempotent. */
  end(): void {
    this.#state = 'ended';
    this.#unwatch();
  }

  get #mayDeliver(): boolean {
    return this.#state === 'open' && this.#guard?.isOpen !== false;
  }

  #take({ run, resumesAtSeq, headSeq, release }: LogPage): void {
    this.#headSeq = Math.max(this.#headSeq, headSeq);
    if (resumesAtSeq !== undefined) {
      this.#outlet.gap(this.id, this.#position, resumesAtSeq);
      this.#position = resumesAtSeq - 1;
    }
    const chunks = run === undefined ? [] : chunksOf(run);
    // A page that is a chunk may become its frame; of all others frames are copies.
    const isFrame = chunks.length === 1 && run?.headroom !== undefined;
    for (const chunk of chunks) this.#deliver(chunk, isFrame ? release : undefined);
    if (!isFrame) release?.();
    this.#announce();
  }

  #deliver(chunk: Chunk, onWritten?: () => void): void {
    this.#credit -= chunk.run.seqs.length;
    this.#position = lastSeq(chunk.run);
    this.#outlet.deliver(this.id, chunk, onWritten);
    this.#announce();
  }

  #announce(): void {
    if (this.#announceAtSeq === undefined || this.#position < this.#announceAtSeq) return;
    this.#outlet.caughtUp(this.id, this.#announceAtSeq);
    this.#announceAtSeq = undefined;
  }

  #noticed(topic: NoticeTopic): void {
    this.#notices.add(topic);
    if (this.#state === 'open') this.#outlet.ready(this);
  }

  #grown(headSeq: number, group: Uint8Array): void {
    this.#guard?.grown();
    if (!equalBytes(group, this.#group)) {
      this.refuse('foreign-group', 'the channel belongs to another MLS group');
      return;
    }
    this.#headSeq = Math.max(this.#headSeq, headSeq);
    if (this.#state === 'open') this.#outlet.ready(this);
  }
}
