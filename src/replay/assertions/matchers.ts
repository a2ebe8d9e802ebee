import { AssertionError } from 'node:assert';
import type { ChannelFault } from '../../actors/channel/index.ts';
import { ReplayDivergedError } from '../play/divergence.ts';
import type { AgentUnderTest } from '../play/replay.ts';
import type { ReplayOptions } from '../play/replay-options.ts';
import type { Tape } from '../tape/tape.ts';
import {
  assertEpochs,
  assertFaults,
  assertMarbles,
  assertMessages,
  assertReplays,
  type ExpectedPayload,
} from './assertions.ts';
import type { Marbles } from './marbles.ts';
import type { Seen } from './seen.ts';

/** What a matcher tells the test runner. */
export interface MatcherResult {
  readonly pass: boolean;
  readonly message: () => string;
  readonly actual?: unknown;
  readonly expected?: unknown;
}

/**
 * Matchers for vitest, and for Jest: `expect.extend(matchers)`. For `node:test` there are `assertReplays`, `assertMessages`,
 * `assertFaults` and `assertEpochs`.
 *
 * For their types add `declare module 'vitest' { interface Matchers<T> extends ReplayMatchers<T> {} }`.
 */
export const matchers = {
  /** A tape: the agent does what was done then. */
  async toReplay(tape: Tape, agent: AgentUnderTest, options?: ReplayOptions): Promise<MatcherResult> {
    try {
      await assertReplays(tape, agent, options);
      return { pass: true, message: () => 'expected the replay to differ from the recording' };
    } catch (error) {
      if (!(error instanceof ReplayDivergedError)) throw error;
      const { actual, expected } = error.divergence;
      return { pass: false, message: () => error.message, actual, expected };
    }
  },
  /** What {@link watch} has seen: messages with these payloads, in this order. */
  toHaveMessages(seen: Seen, expected: readonly ExpectedPayload[]): MatcherResult {
    return resultOf('messages', () => assertMessages(seen, expected));
  },
  /** Faults of these kinds, in this order. */
  toHaveFaults(seen: Seen, expected: readonly ChannelFault['kind'][]): MatcherResult {
    return resultOf('faults', () => assertFaults(seen, expected));
  },
  /** These epochs, in this order. */
  toHaveEpochs(seen: Seen, expected: readonly (bigint | number)[]): MatcherResult {
    return resultOf('epochs', () => assertEpochs(seen, expected));
  },
  /** What {@link toMarbles} has drawn, with or without its values. */
  toHaveMarbles(marbles: Marbles<unknown>, diagram: string, values?: Readonly<Record<string, unknown>>): MatcherResult {
    return resultOf('marbles', () => assertMarbles(marbles, diagram, values));
  },
};

/** The matchers, as `expect(…)` has them. */
export interface ReplayMatchers<R = unknown> {
  toReplay(agent: AgentUnderTest, options?: ReplayOptions): Promise<R>;
  toHaveMessages(expected: readonly ExpectedPayload[]): R;
  toHaveFaults(expected: readonly ChannelFault['kind'][]): R;
  toHaveEpochs(expected: readonly (bigint | number)[]): R;
  toHaveMarbles(diagram: string, values?: Readonly<Record<string, unknown>>): R;
}

function resultOf(what: string, check: () => void): MatcherResult {
  try {
    check();
    return { pass: true, message: () => `expected other ${what}` };
  } catch (error) {
    if (!(error instanceof AssertionError)) throw error;
    const { message, actual, expected } = error;
    return { pass: false, message: () => `expected other ${what}: ${message}`, actual, expected };
  }
}
