import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ForkVote } from '../../../src/actors/channel/fork-vote.ts';

it('is won by exactly one side, as every member counts it that has heard all', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(2), { minLength: 2, maxLength: 12 }), (sides) => {
      // Member n is on sides[n] and spoke at place n + 1 of the log.
      const winners = sides.map((own, self) => {
        const vote = new ForkVote();
        sides.forEach((side, other) => {
          if (other === self) vote.stated(self + 1);
          else vote.heard(Uint8Array.of(other), Uint8Array.of(side), side === own, other + 1);
        });
        return vote.isWon;
      });
      const winning = new Set(sides.filter((_, member) => winners[member]));
      expect(winning.size).toBe(1);
      expect(winners).toEqual(sides.map((side) => winning.has(side)));
      const sizes = [0, 1, 2].map((side) => sides.filter((other) => other === side).length);
      expect(sizes[[...winning][0] ?? -1]).toBe(Math.max(...sizes));
    }),
  );
});

it('counts a member once, however often it speaks', () => {
  const vote = new ForkVote();
  vote.stated(1);
  for (const seq of [2, 3, 4]) vote.heard(Uint8Array.of(1), Uint8Array.of(9), false, seq);
  expect([vote.isContested, vote.isSeconded, vote.isWon]).toEqual([true, false, true]);
});
