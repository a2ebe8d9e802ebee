import { Subscription } from 'rxjs';
import { type SkytaleError, toSkytaleError } from '../../base/errors.ts';
import type { Random } from '../../base/random.ts';
import type { ExchangePorts } from './exchange-ports.ts';
import { checkPresence, leaseOf, presenceIntervalMs, type PresenceOptions } from './presence.ts';

/** By how much two members that began together drift apart. */
const JITTER = 0.2;
/** Members that come back together do not all say so at once. */
const SPREAD_PER_MEMBER_MS = 20;
const MAX_SPREAD_MS = 5_000;

/**
 * Says that this agent is there, as long as anybody wants it to: when the channel is live, and then whenever nothing else was
 * said for an interval. Nothing is said, and nothing piles up, while the channel is away.
 */
export class PresenceAnnouncer {
  readonly #ports: ExchangePorts & { readonly random: Random };
  /** Of those who want it, with the intervals that they want. */
  readonly #wishes = new Map<Subscription, number | undefined>();
  #isLive = false;
  /** When somebody was last told, by anything that was sent. */
  #toldAtMs = Number.NEGATIVE_INFINITY;
  #isUnderWay = false;
  #cancelTimer: (() => void) | undefined;

  constructor(ports: ExchangePorts & { readonly random: Random }) {
    this.#ports = ports;
  }

  /** See {@link Channel.announce}. */
  announce(options: PresenceOptions): Subscription {
    const intervalMs = checkPresence(options);
    this.#ports.checkOpen();
    const wish = new Subscription(() => this.#withdraw(wish));
    this.#wishes.set(wish, intervalMs);
    this.#toldAtMs = Number.NEGATIVE_INFINITY;
    this.#plan();
    return wish;
  }

  /** Something of this agent is in the log: the others have heard of it. */
  told(): void {
    this.#toldAtMs = this.#ports.clock.now();
  }

  follow(isLive: boolean): void {
    if (isLive === this.#isLive) return;
    this.#isLive = isLive;
    // The others may have heard nothing of us meanwhile.
    if (isLive) this.#toldAtMs = Number.NEGATIVE_INFINITY;
    this.#plan();
  }

  /** Says that it goes, if it was said that it is there. */
  stop(): void {
    for (const wish of [...this.#wishes.keys()]) wish.unsubscribe();
  }

  get #intervalMs(): number {
    const bySize = presenceIntervalMs(this.#ports.state().members.length);
    return Math.min(...[...this.#wishes.values()].map((wanted) => wanted ?? bySize));
  }

  #withdraw(wish: Subscription): void {
    if (!this.#wishes.delete(wish) || this.#wishes.size > 0) return;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#isLive) this.#send(0);
  }

  #plan(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (!this.#isLive || this.#wishes.size === 0) return;
    const { clock, random, state } = this.#ports;
    const intervalMs = this.#intervalMs;
    const dueInMs = this.#toldAtMs + intervalMs * (1 - JITTER * random.fraction()) - clock.now();
    const spreadMs = Math.min(MAX_SPREAD_MS, state().members.length * SPREAD_PER_MEMBER_MS) * random.fraction();
    const delayMs = dueInMs > 0 ? Math.min(dueInMs, intervalMs) : spreadMs;
    this.#cancelTimer = clock.schedule(Math.round(delayMs), () => this.#renew());
  }

  #renew(): void {
    const intervalMs = this.#intervalMs;
    const isDue = this.#ports.clock.now() - this.#toldAtMs >= intervalMs * (1 - JITTER);
    // A clock that went back must not silence us.
    const isInFuture = this.#toldAtMs > this.#ports.clock.now();
    if ((isDue || isInFuture) && !this.#isUnderWay) this.#send(leaseOf(intervalMs));
    this.#plan();
  }

  #send(leaseMs: number): void {
    const failed = (error: unknown): void => {
      this.#isUnderWay = false;
      const cause: SkytaleError = toSkytaleError(error);
      if (cause.code !== 'channel_closed') this.#ports.fault({ kind: 'unsent', error: cause });
    };
    this.#isUnderWay = true;
    this.told();
    this.#ports.send({
      header: { kind: { case: 'presence', value: { leaseMs } } },
      stored: () => {
        this.#isUnderWay = false;
      },
      failed,
    });
  }
}
