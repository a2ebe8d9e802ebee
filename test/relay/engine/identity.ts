import { describe, expect, test } from 'vitest';
import type { Submission } from '../../../src/transport/index.ts';
import { commit, message, messages, OTHER_GROUP } from '../support/submissions.ts';
import { freshChannelName } from './suite.ts';
import type { EngineSuite } from './suite.ts';
import { seqsOf, verdictsOf } from './test-channel.ts';

/** Message ids, and the group that a channel belongs to. */
export function describeIdentity(suite: EngineSuite): void {
  describe(`${suite.name}: identity`, () => {
    test('answers an id that it has with the old sequence number and stores it once', async () => {
      const log = await suite.channel();
      const [first, second] = messages(2) as [Submission, Submission];
      const [one, two] = await log.store(first, second);
      const again = await log.append(second, message(), first);
      expect(verdictsOf(again)).toEqual(['known', 'stored', 'known']);
      const [secondAgain, three, firstAgain] = seqsOf(again);
      expect([firstAgain, secondAgain]).toEqual([one, two]);
      expect((await log.read()).run?.seqs).toEqual([one, two, three]);
    });

    test('recognises an id that comes twice in one request, and in two requests at once', async () => {
      const log = await suite.channel();
      const twice = message();
      const answers = (await Promise.all([log.append(twice, twice), log.append(twice)])).flat();
      expect(verdictsOf(answers)).toEqual(['stored', 'known', 'known']);
      expect(new Set(seqsOf(answers)).size).toBe(1);
      expect((await log.read()).run?.seqs).toHaveLength(1);
    });

    test('does not confuse the same id on two channels', async () => {
      const log = await suite.channel();
      const shared = message();
      await log.store(message(), shared);
      expect(await log.at(freshChannelName()).verdicts(shared)).toEqual(['stored']);
    });

    suite.testRestart('recognises ids, and goes on counting, after a restart', async () => {
      const before = await suite.restartable();
      const sent = [...messages(3), commit(0n)];
      const seqs = await before.store(...sent);

      const after = await before.restart();
      const again = await after.append(...sent);
      expect(verdictsOf(again)).toEqual(['known', 'known', 'known', 'known']);
      expect(seqsOf(again)).toEqual(seqs);
      const [next] = (await after.store(message(1n))) as [number];
      expect(next).toBeGreaterThan(seqs[3] as number);
      expect(await after.state()).toEqual({ group: after.group, headSeq: next, epoch: 1n });
      expect((await after.entries(seqs[3]))[0]).toMatchObject({ seq: next, prevSeq: seqs[3] });
    });

    test('answers the id of a stored message even when its epoch has become too old', async () => {
      const log = await suite.channel();
      const old = message();
      const seqs = await log.store(old);
      for (let epoch = 0n; epoch < 6n; epoch += 1n) await log.store(commit(epoch));
      const again = await log.append(old);
      expect(verdictsOf(again)).toEqual(['known']);
      expect(seqsOf(again)).toEqual(seqs);
    });

    test('binds a channel to the group of the first stored submission', async () => {
      const log = await suite.channel();
      const foreign = log.of(OTHER_GROUP);
      expect(await foreign.verdicts(message(3n))).toEqual(['epoch-unknown@0']);
      expect(await log.state()).toBeUndefined();
      const bound = message();
      const [seq] = await log.store(bound);
      expect(await foreign.verdicts(message(), bound)).toEqual(['foreign-group@0', 'foreign-group@0']);
      expect((await log.state())?.headSeq).toBe(seq);
    });
  });

  describe(`${suite.name}: the number of channels`, () => {
    test('is bounded: one too many is refused, those that are there go on', async () => {
      const first = await suite.channel({ rules: { maxChannels: 2 } });
      const [second, third] = [first.at(freshChannelName()), first.at(freshChannelName())];
      await first.store(message());
      await second.store(commit(0n));
      expect(await third.verdicts(message(), commit(0n), message(1n))).toEqual([
        'limit@0',
        'limit@0',
        'epoch-unknown@0',
      ]);
      expect(await third.state()).toBeUndefined();
      expect(await first.verdicts(message())).toEqual(['stored']);
      await first.engine.trim(first.channel, Number.MAX_SAFE_INTEGER);
      expect(await third.verdicts(message())).toEqual(['limit@0']);
    });

    test('is not exceeded when many come at once', async () => {
      const log = await suite.channel({ rules: { maxChannels: 3 } });
      const names = Array.from({ length: 12 }, freshChannelName);
      const verdicts = await Promise.all(names.map((name) => log.at(name).verdicts(message(), message())));
      expect(verdicts.filter(([one]) => one === 'stored')).toHaveLength(3);
      for (const [one, two] of verdicts) expect(one).toBe(two);
    });

    suite.testRestart('is remembered across a restart', async () => {
      const before = await suite.restartable({ rules: { maxChannels: 1 } });
      await before.store(message());
      const after = await before.restart();
      expect(await after.at(freshChannelName()).verdicts(message())).toEqual(['limit@0']);
      expect(await after.verdicts(message())).toEqual(['stored']);
    });
  });
}
