import { checkInteger } from '../../base/check.ts';
import type { ChannelMember } from './channel-event.ts';

/** A member that is there, as far as this agent knows. */
export interface PresentMember {
  readonly member: ChannelMember;
  /** Since when, in Unix milliseconds by this agent's clock: the first sign of it after it was away. */
  readonly sinceMs: number;
}

/** Options of {@link Channel.announce}. */
export interface PresenceOptions {
  /**
   * How often this agent says that it is there, in milliseconds, if it says nothing else: 1 000 to 3 600 000. Default: once for
   * each second per member, and every 30 s at the most often, so that all members of a group together say so once a second.
   */
  readonly intervalMs?: number;
}

const SHORTEST_MS = 30_000;
const PER_MEMBER_MS = 1_000;
/** One announcement may be lost, and the next one late. */
const LEASE_INTERVALS = 2.5;

/** @internal How often a member of a group of this size says that it is there, in milliseconds. */
export function presenceIntervalMs(members: number): number {
  return Math.max(SHORTEST_MS, members * PER_MEMBER_MS);
}

/** @internal For how long somebody is taken as there who says so that often. */
export function leaseOf(intervalMs: number): number {
  return Math.round(intervalMs * LEASE_INTERVALS);
}

/** @internal @throws {@link RuntimeError} `invalid_argument` */
export function checkPresence({ intervalMs }: PresenceOptions): number | undefined {
  return intervalMs === undefined ? undefined : checkInteger('intervalMs', intervalMs, 1_000, 3_600_000);
}
