import { toHex } from '../../base/bytes.ts';
import type { Clock } from '../../base/clock.ts';
import { type StateObservable, StateSubject } from '../../streams/index.ts';
import type { ChannelMember, ChannelState, EpochChange } from './channel-event.ts';
import type { Arrival, PresenceNotice } from './exchange-event.ts';
import { leaseOf, presenceIntervalMs, type PresentMember } from './presence.ts';

interface Lease {
  readonly present: PresentMember;
  /** By our clock. */
  endsAtMs: number;
  /** What it said last; a later sign of life is good for as long. */
  leaseMs: number;
}

/** A timer that is later than this has slept with the machine. */
const LATE_MS = 5_000;

/**
 * Who is there. A member is from the first sign of life on until its lease ends, it says that it goes, or it is removed; any
 * message of it is a sign, so who talks needs no announcements.
 *
 * While the channel is not live nobody is taken as gone: nothing could be heard. Back again, or when the clock has jumped,
 * everybody gets the time of one announcement.
 */
export class PresenceDesk {
  readonly #clock: Clock;
  readonly #state: () => ChannelState;
  readonly #self: string;
  readonly #leases = new Map<string, Lease>();
  readonly #present = new StateSubject<readonly PresentMember[]>([]);
  #cancelTimer: (() => void) | undefined;
  #isLive = false;
  readonly present$: StateObservable<readonly PresentMember[]>;

  constructor(ports: { readonly clock: Clock; readonly state: () => ChannelState; readonly self: Uint8Array }) {
    this.#clock = ports.clock;
    this.#state = ports.state;
    this.#self = toHex(ports.self);
    this.present$ = this.#present.asObservable();
  }

  /** A member has said something, whatever it was. Says nothing of now if it is old. */
  heard({ sender, phase }: Arrival): void {
    if (phase === 'replay') return;
    const known = this.#leases.get(toHex(sender));
    this.#renew(sender, known?.leaseMs ?? leaseOf(presenceIntervalMs(this.#state().members.length)));
  }

  /** A member has said that it is there, or that it goes. */
  take({ sender, phase, leaseMs, storedAt }: PresenceNotice): void {
    // An old one is good for the rest of its time; how old it is, relay and own clock together can only estimate.
    const ageMs = phase === 'replay' ? Math.max(0, this.#clock.now() - storedAt) : 0;
    if (leaseMs > ageMs) this.#renew(sender, leaseMs, leaseMs - ageMs);
    else if (leaseMs === 0) this.#drop([toHex(sender)]);
  }

  changed({ removed, added }: EpochChange): void {
    const comers = new Set(added.map(({ identity }) => toHex(identity)));
    this.#drop(removed.map(({ identity }) => toHex(identity)).filter((key) => !comers.has(key)));
  }

  /** Follows the channel: only while it is live silence means something. */
  follow(isLive: boolean): void {
    if (isLive === this.#isLive) return;
    this.#isLive = isLive;
    if (isLive) this.#grantGrace();
    this.#plan();
  }

  /** Nothing will be heard any more. */
  stop(): void {
    this.#cancelTimer?.();
    this.#isLive = false;
    this.#leases.clear();
    this.#show();
    this.#present.complete();
  }

  #renew(identity: Uint8Array, leaseMs: number, leftMs = leaseMs): void {
    const key = toHex(identity);
    if (key === this.#self) return;
    const nowMs = this.#clock.now();
    const known = this.#leases.get(key);
    if (known !== undefined) {
      known.leaseMs = leaseMs;
      known.endsAtMs = Math.max(known.endsAtMs, nowMs + leftMs);
      return;
    }
    const member = this.#memberOf(key);
    // Removed meanwhile: what it said before is still in the log.
    if (member === undefined) return;
    this.#leases.set(key, { present: { member, sinceMs: nowMs }, endsAtMs: nowMs + leftMs, leaseMs });
    this.#show();
    this.#plan();
  }

  #memberOf(key: string): ChannelMember | undefined {
    return this.#state().members.find(({ identity }) => toHex(identity) === key);
  }

  #drop(keys: readonly string[]): void {
    const dropped = keys.filter((key) => this.#leases.delete(key));
    if (dropped.length > 0) this.#show();
  }

  #show(): void {
    this.#present.next([...this.#leases.values()].map(({ present }) => present));
  }

  #grantGrace(): void {
    const graceMs = presenceIntervalMs(this.#state().members.length);
    const nowMs = this.#clock.now();
    for (const lease of this.#leases.values()) {
      lease.endsAtMs = Math.max(lease.endsAtMs, nowMs + Math.min(graceMs, lease.leaseMs));
    }
  }

  /** One timer for all: for the lease that ends first. */
  #plan(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (!this.#isLive || this.#leases.size === 0) return;
    const nowMs = this.#clock.now();
    const leases = [...this.#leases.values()];
    // After the clock has gone back, a lease is no longer than it ever was.
    for (const lease of leases) lease.endsAtMs = Math.min(lease.endsAtMs, nowMs + lease.leaseMs);
    const dueAtMs = Math.min(...leases.map(({ endsAtMs }) => endsAtMs));
    this.#cancelTimer = this.#clock.schedule(Math.max(0, dueAtMs - nowMs), () => this.#expire(dueAtMs));
  }

  #expire(dueAtMs: number): void {
    const nowMs = this.#clock.now();
    // What came in meanwhile is still to be read.
    if (nowMs - dueAtMs > LATE_MS) this.#grantGrace();
    this.#drop([...this.#leases].flatMap(([key, { endsAtMs }]) => (endsAtMs <= nowMs ? [key] : [])));
    this.#plan();
  }
}
