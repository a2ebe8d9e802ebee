import { deepStrictEqual } from 'node:assert/strict';
import type { ChannelFault } from '../../actors/channel/index.ts';
import { equalBytes } from '../../base/bytes.ts';
import { type AgentUnderTest, replay } from '../play/replay.ts';
import type { ReplayOptions, ReplayResult } from '../play/replay-options.ts';
import type { Tape } from '../tape/tape.ts';
import type { Marbles } from './marbles.ts';
import type { Seen } from './seen.ts';

/** A payload as a test writes it: its bytes, its text, or the value of its JSON. */
export type ExpectedPayload = Uint8Array | string | { readonly json: unknown };

/**
 * Lets an agent meet what is on a tape, see {@link Replay.meet}. It has to do what was done then: one that says nothing fails as well, if
 * something was sent.
 *
 * @throws {@link ReplayDivergedError} `replay_diverged`; what the agent throws
 *
 * @example
 * // The agent answers pings, and answers the pings of that night as it did.
 * await assertReplays(await readTape('night.tape'), (channel$) => {
 *   const chat$ = channel$.as(text());
 *   chat$.pipe(filter(({ payload }) => payload === 'ping')).subscribe(() => chat$.next('pong'));
 * });
 */
export async function assertReplays(tape: Tape, agent: AgentUnderTest, options?: ReplayOptions): Promise<ReplayResult> {
  const run = await replay(tape, { silence: 'fail', ...options });
  return await run.meet(agent);
}

/**
 * Asserts the payloads of the messages that were seen, in their order.
 *
 * @throws AssertionError if they are others
 */
export function assertMessages({ messages }: Seen, expected: readonly ExpectedPayload[]): void {
  const actual = messages.map(({ payload }, index) => inTermsOf(payload, expected[index]));
  deepStrictEqual(actual, expected);
}

/**
 * Asserts the kinds of the faults that were seen, in their order.
 *
 * @throws AssertionError if there were others
 */
export function assertFaults({ faults }: Seen, expected: readonly ChannelFault['kind'][]): void {
  deepStrictEqual(
    faults.map(({ kind }) => kind),
    expected,
  );
}

/**
 * Asserts the epochs that the group entered, in their order.
 *
 * @throws AssertionError if it entered others
 */
export function assertEpochs({ epochChanges }: Seen, expected: readonly (bigint | number)[]): void {
  deepStrictEqual(
    epochChanges.map(({ epoch }) => epoch),
    expected.map(BigInt),
  );
}

/**
 * Asserts what {@link toMarbles} drew, and with which values if those are given.
 *
 * @throws AssertionError if something else was drawn
 */
export function assertMarbles(
  marbles: Marbles<unknown>,
  diagram: string,
  values?: Readonly<Record<string, unknown>>,
): void {
  deepStrictEqual(marbles.diagram, diagram);
  if (values !== undefined) deepStrictEqual(marbles.values, values);
}

/** What came, written as what was expected, so that a difference can be read. */
function inTermsOf(payload: Uint8Array, expected: ExpectedPayload | undefined): ExpectedPayload {
  if (expected instanceof Uint8Array) return equalBytes(payload, expected) ? expected : payload;
  const text = new TextDecoder().decode(payload);
  if (typeof expected === 'string' || expected === undefined) return text;
  try {
    return { json: JSON.parse(text) as unknown };
  } catch {
    // It is no JSON, which the assertion tells.
    return text;
  }
}
