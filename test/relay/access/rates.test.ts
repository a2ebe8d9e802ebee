import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Accounts } from '../../../src/relay/access/accounts.ts';
import type { AccountId } from '../../../src/relay/access/index.ts';
import { RateBucket } from '../../../src/relay/access/rate-bucket.ts';
import { RateGate } from '../../../src/relay/access/rate-gate.ts';
import type { Judged } from '../../../src/relay/access/rate-gate.ts';
import { refused } from '../../../src/relay/engine/log-rules.ts';
import { seedOfRun } from '../../support/seeded.ts';
import { commit, message, messages } from '../support/submissions.ts';

const WIDE = 1_000_000;
const malformed = refused('malformed', 'payload is empty', 0);

interface Limits {
  readonly perSecond?: number;
  readonly burst?: number;
  readonly account?: number;
}

/** A gate whose time is given in ms. */
function gateOf({ perSecond = 10, burst = 10, account = WIDE }: Limits = {}): {
  readonly judge: (items: readonly Judged[], atMs?: number, isBehind?: boolean) => string[];
  readonly waits: (items: readonly Judged[], atMs?: number) => (number | undefined)[];
} {
  const gate = new RateGate(new RateBucket(perSecond, burst, 0), new RateBucket(account, account, 0));
  return {
    judge: (items, atMs = 0, isBehind = false) =>
      gate.judge(items, { isBehind, nowMs: atMs }).map((item) => (item.kind === 'refused' ? item.reason : 'ok')),
    waits: (items, atMs = 0) =>
      gate
        .judge(items, { isBehind: false, nowMs: atMs })
        .map((item) => (item.kind === 'refused' ? item.retryAfterMs : undefined)),
  };
}

const of = (ok: number, late = 0): string[] => [
  ...Array.from({ length: ok }, () => 'ok'),
  ...Array.from({ length: late }, () => 'rate-limited'),
];

describe('a rate', () => {
  test('lets a burst pass, then what flows in, and the rest of a batch that is too large waits', () => {
    const { judge } = gateOf();
    expect(judge(messages(7))).toEqual(of(7));
    expect(judge(messages(5))).toEqual(of(3, 2));
    expect(judge(messages(5), 250)).toEqual(of(2, 3));
    expect(judge(messages(20), 60_000)).toEqual(of(10, 10));
  });

  test('says when each message that it refuses could pass', () => {
    const { judge, waits } = gateOf();
    judge(messages(10));
    expect(waits(messages(3))).toEqual([100, 200, 300]);
    expect(waits(messages(3), 50)).toEqual([50, 150, 250]);
    expect(judge(messages(3), 300)).toEqual(of(3));
  });

  test('is that of the account if this is the lower one, and takes nothing from the connection then', () => {
    const account = new RateBucket(10, 10, 0);
    const gates = [1, 2].map(() => new RateGate(new RateBucket(20, 20, 0), account));
    const judge = (index: number, count: number, nowMs: number): number =>
      gates[index]!.judge(messages(count), { isBehind: false, nowMs }).filter(({ kind }) => kind !== 'refused').length;
    expect(judge(0, 6, 0)).toBe(6);
    expect(judge(1, 16, 0)).toBe(4);
    // Had the twelve been taken from the second connection, it would have 4 left and not 16.
    expect(judge(1, 10, 1000)).toBe(10);
  });

  test('costs what is refused already nothing', () => {
    const { judge } = gateOf();
    expect(judge(Array.from({ length: 50 }, () => malformed))).toEqual(Array.from({ length: 50 }, () => 'malformed'));
    expect(judge([malformed, ...messages(10)])).toEqual(['malformed', ...of(10)]);
  });

  test('gives nothing for a clock that goes back, and one burst for one that jumps ahead', () => {
    const { judge } = gateOf();
    expect(judge(messages(10))).toEqual(of(10));
    expect(judge(messages(1), -3_600_000)).toEqual(of(0, 1));
    expect(judge(messages(1), -3_600_000 + 100)).toEqual(of(1));
    expect(judge(messages(11), 3_600_000)).toEqual(of(10, 1));
  });

  test('lets commits pass when messages have used it up, at the price of later messages, and not without end', () => {
    const { judge } = gateOf({ perSecond: 100, burst: 100 });
    judge(messages(100));
    const commits = Array.from({ length: 11 }, () => commit(0n));
    expect(judge([message(), ...commits])).toEqual(['rate-limited', ...of(10, 1)]);
    expect(judge([message()], 100)).toEqual(of(0, 1));
    expect(judge([message()], 110)).toEqual(of(1));
  });
});

test('behind a refused message no other passes, however much time has gone by, and costs nothing; a commit does', () => {
  const { judge } = gateOf();
  expect(judge([message(), commit(0n)], 0, true)).toEqual(['rate-limited', 'ok']);
  expect(judge(messages(10), 100)).toEqual(of(10));
});

test('passes exactly what the rate allows whatever comes when, and tells exactly when the next one may come', () => {
  const batches = fc.array(fc.tuple(fc.integer({ min: 0, max: 3000 }), fc.integer({ min: 1, max: 40 })));
  let refusals = 0;
  const seed = seedOfRun();
  fc.assert(
    fc.property(batches, (arrivals) => {
      const { waits } = gateOf({ perSecond: 20, burst: 30 });
      // The same in whole numbers: a message costs 50, a millisecond brings 1.
      let level = 1500;
      let nowMs = 0;
      for (const [afterMs, size] of arrivals) {
        nowMs += afterMs;
        level = Math.min(1500, level + afterMs);
        const allowed = Math.min(size, Math.floor(level / 50));
        level -= 50 * allowed;
        const late = Array.from({ length: size - allowed }, (_, index) => Math.min(50 * (index + 1), 1500) - level);
        expect(waits(messages(size), nowMs)).toEqual([...Array.from({ length: allowed }, () => undefined), ...late]);
        refusals += late.length;
      }
    }),
    { seed, numRuns: 200 },
  );
  expect(refusals).toBeGreaterThan(0);
});

describe('what an account shares between its connections', () => {
  const [a, b] = ['a' as AccountId, 'b' as AccountId];
  const allowance = { messagesPerSecond: 10, burst: 10, connections: 3, subscriptions: 2 };

  test('is its rate, which outlives them until it is full', () => {
    const accounts = new Accounts(allowance);
    const share = accounts.acquire(a, 0);
    expect(accounts.acquire(a, 0)).toBe(share);
    expect(accounts.acquire(b, 0)).not.toBe(share);
    share!.rate.take(10);
    accounts.release(a, 0);
    accounts.release(a, 0);
    expect(accounts.acquire(a, 500)).toBe(share);
    accounts.release(a, 1000);
    accounts.release(b, 1000);
    expect(accounts.acquire(a, 1000)).not.toBe(share);
    expect(accounts.size).toBe(1);
  });

  test('is the number of connections, and a place is free again when one goes', () => {
    const accounts = new Accounts(allowance);
    const acquired = Array.from({ length: 4 }, () => accounts.acquire(a, 0) !== undefined);
    expect(acquired).toEqual([true, true, true, false]);
    expect(accounts.acquire(b, 0)).toBeDefined();
    accounts.release(a, 0);
    expect([accounts.acquire(a, 0) !== undefined, accounts.acquire(a, 0)]).toEqual([true, undefined]);
  });

  test('is the number of subscriptions, and a place is free again when one ends', () => {
    const share = new Accounts(allowance).acquire(a, 0)!;
    expect([share.takeSubscription(), share.takeSubscription(), share.takeSubscription()]).toEqual([true, true, false]);
    share.giveSubscription();
    expect([share.takeSubscription(), share.takeSubscription()]).toEqual([true, false]);
  });

  test('is not held without bound for accounts that come and go', () => {
    const accounts = new Accounts(allowance);
    for (let count = 0; count < 5000; count += 1) {
      const account = `account-${count}` as AccountId;
      accounts.acquire(account, 0)!.rate.take(5);
      accounts.release(account, 0);
    }
    expect(accounts.size).toBe(1024);
  });
});
