import type { Quota } from './relay-transport.ts';

/** Whether nothing has changed from one publish to the next. */
export function isSameQuota(before: Quota | undefined, now: Quota | undefined): boolean {
  if (before === undefined || now === undefined) return before === now;
  return before.limit === now.limit && before.remaining === now.remaining && before.resetsAtMs === now.resetsAtMs;
}
