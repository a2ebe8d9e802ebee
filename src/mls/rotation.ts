import { checkInteger } from '../base/check.ts';

/** When a member's keys have served long enough. */
export interface RotationPolicy {
  /** Own messages in one epoch after which new keys are due. Default 500; 0 for never. */
  readonly maxMessages?: number;
  /** Age of the epoch, in milliseconds, at which new keys are due. Default a day; 0 for never. */
  readonly maxAgeMs?: number;
}

/** What {@link rotationDue} looks at. */
export interface EpochUse {
  /** Messages that this member has sent in the epoch. */
  readonly messagesSent: number;
  /** Unix milliseconds. */
  readonly epochStartedAtMs: number;
  /** Unix milliseconds. */
  readonly nowMs: number;
}

const DEFAULT_MAX_MESSAGES = 500;
const DEFAULT_MAX_AGE_MS = 24 * 3600 * 1000;

/**
 * Whether a commit with fresh keys (`rotate`) is due. What a thief of the present keys can read ends with it.
 *
 * Any commit of anybody begins a new epoch, so a group does not rotate more often for having more members who ask. A
 * clock that was set back makes an epoch young again, never old.
 *
 * @throws {@link RuntimeError} `invalid_argument` for a policy with a negative or broken number.
 */
export function rotationDue(use: EpochUse, policy: RotationPolicy = {}): boolean {
  const maxMessages = checkInteger('maxMessages', policy.maxMessages ?? DEFAULT_MAX_MESSAGES, 0);
  const maxAgeMs = checkInteger('maxAgeMs', policy.maxAgeMs ?? DEFAULT_MAX_AGE_MS, 0);
  const isWornOut = maxMessages > 0 && use.messagesSent >= maxMessages;
  const isOld = maxAgeMs > 0 && use.nowMs - use.epochStartedAtMs >= maxAgeMs;
  return isWornOut || isOld;
}
