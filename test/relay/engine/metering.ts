import { describe, expect, test } from 'vitest';
import type { AccountId } from '../../../src/relay/access/principal.ts';
import type { Usage } from '../../../src/relay/engine/log-engine.ts';
import type { PublishAnswer } from '../../../src/transport/index.ts';
import { commit, message, messages } from '../support/submissions.ts';
import { freshAccount, freshChannelName, settableClock } from './suite.ts';
import type { EngineSuite } from './suite.ts';
import { tally, verdictsOf } from './test-channel.ts';
import type { TestChannel } from './test-channel.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** Longer than any month. */
const MONTH_MS = 31 * DAY_MS;

/** What accounts have stored, and may store. */
export function describeMetering(suite: EngineSuite): void {
  /** What the engine says of an account, in the month in which it stores things now. */
  const usageOf = async (log: TestChannel, account: AccountId): Promise<Usage> => {
    const { usage } = await log.as(account).outcome();
    if (usage === undefined) throw new Error('there is no usage with the answers');
    expect(await log.engine.usage(account, usage.monthStartMs)).toEqual(usage);
    return usage;
  };
  const messagesOf = async (log: TestChannel, account: AccountId): Promise<number> =>
    (await usageOf(log, account)).messages;

  describe(`${suite.name}: metering`, () => {
    test('counts the messages that are stored for an account, over all channels, and nothing else', async () => {
      const [alice, bob] = [freshAccount(), freshAccount()];
      const log = await suite.channel();
      const known = message();
      const first = await log.as(alice).outcome(known, message(), commit(0n), known, message(5n), commit(0n));
      expect(first.usage?.messages).toBe(2);
      await log.at(freshChannelName()).as(alice).store(message());
      await log.admit(bob);
      await log.as(bob).store(message(1n), commit(1n));
      expect([await messagesOf(log, alice), await messagesOf(log, bob)]).toEqual([3, 1]);
      expect((await log.outcome(message(2n))).usage).toBeUndefined();
    });

    test('names the month, in UTC, in which the entries were stored', async () => {
      const alice = freshAccount();
      const log = await suite.channel();
      await log.as(alice).store(message());
      const { monthStartMs } = await usageOf(log, alice);
      const [entry] = await log.entries();
      const storedAt = new Date(entry?.storedAtMs ?? 0).toISOString();
      expect(new Date(monthStartMs).toISOString()).toBe(`${storedAt.slice(0, 7)}-01T00:00:00.000Z`);
      expect(await log.engine.usage(alice, monthStartMs - MONTH_MS)).toMatchObject({ messages: 0 });
      expect(await log.engine.usage(freshAccount(), monthStartMs)).toEqual({ monthStartMs, messages: 0 });
    });

    test('refuses each message beyond the quota by itself, and says until when', async () => {
      const alice = freshAccount();
      const log = await suite.channel();
      const known = message();
      const { answers, usage } = await log.as(alice, 3).outcome(known, message(), message(), message(), commit(0n));
      expect(verdictsOf(answers)).toEqual(['stored', 'stored', 'stored', 'quota-exceeded@0', 'stored']);
      expect(usage?.messages).toBe(3);
      const refusal = answers[3] as Extract<PublishAnswer, { kind: 'refused' }>;
      expect(refusal.retryAfterMs).toBeGreaterThan(0);
      expect(refusal.retryAfterMs).toBeLessThanOrEqual(MONTH_MS);
      // What is there is told again, and who has nothing left may still change the group.
      expect(await log.as(alice, 3).verdicts(known, commit(1n), message(2n))).toEqual([
        'known',
        'stored',
        'quota-exceeded@2',
      ]);
      expect(await log.as(alice, 5).verdicts(...messages(3, 2n))).toEqual(['stored', 'stored', 'quota-exceeded@2']);
      expect(await log.as(alice).verdicts(message(2n))).toEqual(['stored']);
      expect(await messagesOf(log, alice)).toBe(6);
    });

    test('leaves no trace of a message beyond the quota', async () => {
      const alice = freshAccount();
      const log = await suite.channel();
      const told = log.appended();
      const refused = message();
      expect(await log.as(alice, 0).verdicts(refused)).toEqual(['quota-exceeded@0']);
      expect(await log.state()).toBeUndefined();
      expect(told).toEqual([]);
      expect(await log.as(alice, 1).verdicts(refused)).toEqual(['stored']);
    });

    test('is exact when fifty appends meet the limit at once, on several channels', async () => {
      const alice = freshAccount();
      const log = (await suite.channel()).as(alice, 20);
      const logs = [log, log.at(freshChannelName()), log.at(freshChannelName())] as const;
      const verdicts = await Promise.all(
        Array.from({ length: 50 }, (_, index) => (logs[index % 3] as TestChannel).verdicts(message())),
      );
      expect(tally(verdicts.flat())).toEqual({ stored: 20, 'quota-exceeded@0': 30 });
      const stored = await Promise.all(logs.map((each) => each.entries()));
      expect(stored.flat()).toHaveLength(20);
      expect(await messagesOf(log, alice)).toBe(20);
    });

    test('counts a message that comes several times at once a single time', async () => {
      const alice = freshAccount();
      const log = (await suite.channel()).as(alice, 10);
      const sent = messages(10);
      const verdicts = await Promise.all([...sent, ...sent, ...sent].map((submission) => log.verdicts(submission)));
      expect(tally(verdicts.flat())).toEqual({ stored: 10, known: 20 });
      expect(await messagesOf(log, alice)).toBe(10);
    });

    test('tells with each of several answers how many there were by then', async () => {
      const alice = freshAccount();
      const log = (await suite.channel()).as(alice, 100);
      const outcomes = await Promise.all(Array.from({ length: 5 }, () => log.outcome(...messages(2))));
      expect(outcomes.map(({ usage }) => usage?.messages)).toEqual([2, 4, 6, 8, 10]);
    });

    suite.testRestart('goes on after a restart', async () => {
      const alice = freshAccount();
      const before = await suite.restartable();
      const sent = messages(3);
      await before.as(alice, 5).store(...sent, commit(0n));
      const after = await before.restart();
      expect(await messagesOf(after, alice)).toBe(3);
      expect(await after.as(alice, 5).verdicts(...sent, ...messages(3, 1n))).toEqual([
        'known',
        'known',
        'known',
        'stored',
        'stored',
        'quota-exceeded@1',
      ]);
    });

    suite.testClock('starts anew with the month, and does not open an older month again', async () => {
      const [alice, clock] = [freshAccount(), settableClock()];
      const log = (await suite.channel({ clock })).as(alice, 2);
      clock.time = Date.UTC(2031, 0, 31, 23, 59, 59, 999);
      const refused = await log.append(...messages(3));
      expect(verdictsOf(refused)).toEqual(['stored', 'stored', 'quota-exceeded@0']);
      expect(refused[2]).toMatchObject({ retryAfterMs: 1 });

      clock.time += 1;
      const { answers, usage } = await log.outcome(message());
      expect(verdictsOf(answers)).toEqual(['stored']);
      expect(usage).toEqual({ monthStartMs: Date.UTC(2031, 1, 1), messages: 1 });
      expect(await log.engine.usage(alice, Date.UTC(2031, 0, 1))).toMatchObject({ messages: 2 });

      clock.time -= DAY_MS;
      expect(await log.verdicts(...messages(2))).toEqual(['stored', 'quota-exceeded@0']);
      expect(await log.engine.usage(alice, Date.UTC(2031, 0, 1))).toMatchObject({ messages: 2 });
      const [again] = await log.append(message());
      expect(again).toMatchObject({ retryAfterMs: 29 * DAY_MS });
    });

    suite.testClockAndRestart('does not open an older month after a restart with everything deleted', async () => {
      const [alice, clock] = [freshAccount(), settableClock()];
      const before = await suite.restartable({ clock });
      clock.time = Date.UTC(2031, 1, 1);
      await before.as(alice, 1).store(message());
      await before.engine.trim(before.channel, Number.MAX_SAFE_INTEGER);
      clock.time = Date.UTC(2031, 0, 31);
      const after = await before.restart();
      expect(await after.as(alice, 1).verdicts(message())).toEqual(['quota-exceeded@0']);
    });
  });
}
