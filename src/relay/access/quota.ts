import type { Quota } from '../../transport/index.ts';
import type { Usage } from '../engine/log-engine.ts';

/** What is left of `limit` messages after `usage`. */
export function quotaOf({ monthStartMs, messages }: Usage, limit: number): Quota {
  return { limit, remaining: Math.max(0, limit - messages), resetsAtMs: monthAfter(monthStartMs) };
}

/** Start of the calendar month (UTC) that a time lies in, Unix ms. */
export function monthOf(timeMs: number): number {
  const time = new Date(timeMs);
  return Date.UTC(time.getUTCFullYear(), time.getUTCMonth());
}

function monthAfter(monthStartMs: number): number {
  const month = new Date(monthStartMs);
  return Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + 1);
}
