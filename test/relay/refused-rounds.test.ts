import { describe, expect, test } from 'vitest';
import { refused } from '../../src/relay/engine/log-rules.ts';
import { RefusedRounds } from '../../src/relay/session/refused-rounds.ts';
import type { PublishAnswer } from '../../src/transport/index.ts';
import { CHANNEL, commit, message, messages, OTHER_CHANNEL } from './support/submissions.ts';

const accepted: PublishAnswer = { kind: 'accepted', seq: 1, duplicate: false };
const full = refused('unavailable', 'full', 0);
const tooFast = { ...refused('rate-limited', 'too fast', 0), retryAfterMs: 5 };

function roundsAfter(...answers: PublishAnswer[]): RefusedRounds {
  const rounds = new RefusedRounds();
  rounds.note(CHANNEL, 3, messages(answers.length), answers);
  return rounds;
}

describe('behind a refused message', () => {
  test.each([full, tooFast])(
    'messages of its round and of rounds before wait, those of the next one pass: $reason',
    (refusal) => {
      const rounds = roundsAfter(accepted, refusal);
      const items = [message(), commit(0n)];
      expect(rounds.holdBack(items, CHANNEL, 3)).toEqual([refusal, items[1]]);
      expect(rounds.barrier(CHANNEL, 2)).toBe(refusal);
      expect(rounds.holdBack(items, CHANNEL, 4)).toBe(items);
    },
  );

  test('other channels and clients that count no rounds go on', () => {
    const rounds = roundsAfter(full);
    expect(rounds.barrier(OTHER_CHANNEL, 1)).toBeUndefined();
    expect(rounds.barrier(CHANNEL, 0)).toBeUndefined();
    rounds.note(OTHER_CHANNEL, 0, [message()], [full]);
    expect(rounds.barrier(OTHER_CHANNEL, 0)).toBeUndefined();
  });

  test('that will not come again, and behind a commit, others pass', () => {
    expect(roundsAfter(refused('quota-exceeded', '', 0)).barrier(CHANNEL, 3)).toBeUndefined();
    const rounds = new RefusedRounds();
    rounds.note(CHANNEL, 3, [commit(0n), message()], [full, accepted]);
    expect(rounds.barrier(CHANNEL, 3)).toBeUndefined();
  });

  test('the first refusal of a round is the one that counts, and a later round takes its place', () => {
    const rounds = roundsAfter(full);
    rounds.note(CHANNEL, 3, [message()], [tooFast]);
    expect(rounds.barrier(CHANNEL, 3)).toBe(full);
    rounds.note(CHANNEL, 4, [message()], [tooFast]);
    expect(rounds.barrier(CHANNEL, 3)).toBe(tooFast);
  });

  test('so many channels are remembered and no more', () => {
    const rounds = new RefusedRounds();
    const names = Array.from({ length: 1025 }, (_, index) => `a/b/c${index}` as typeof CHANNEL);
    for (const name of names) rounds.note(name, 1, [message()], [full]);
    expect(names.filter((name) => rounds.barrier(name, 1) !== undefined)).toEqual(names.slice(1));
  });
});
