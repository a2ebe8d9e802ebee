import type { Quota } from '../../transport/index.ts';
import type { Usage } from '../engine/log-engine.ts';
import { nextMonthStart } from '../engine/month.ts';

/** What is left of `limit` messages after `usage`. */
export function quotaOf({ monthStartMs, messages }: Usage, limit: number): Quota {
  return { limit, remaining: Math.max(0, limit - messages), resetsAtMs: nextMonthStart(monthStartMs) };
}
