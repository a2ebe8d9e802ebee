import { expect, test } from 'vitest';
import type { LogEntry, PublishAnswer, Submission } from '../../../src/transport/index.ts';
import { parseChannelName } from '../../../src/base/channel-name.ts';
import { commit, fresh, message } from '../support/submissions.ts';
import { History } from './history.ts';
import type { Reading } from './history.ts';

// The checker of the promises must be able to fail: each of these is a log that breaks one of them.

const ref = fresh(32);
const first = message(0n);
const winner = commit(0n, [{ keyPackageRefs: [ref], payload: fresh(10) }]);
const loser = commit(0n, [{ keyPackageRefs: [fresh(32)], payload: fresh(10) }]);
const last = message(1n);
const accepted = (seq: number): PublishAnswer => ({ kind: 'accepted', seq, duplicate: false });
const lost: PublishAnswer = { kind: 'refused', reason: 'epoch-decided', detail: '', currentEpoch: 1n };

function entry(seq: number, prevSeq: number, { kind, epoch, messageId, payload }: Submission): LogEntry {
  return { seq, prevSeq, kind, epoch, messageId, payload, storedAtMs: 0 };
}

/** Three entries with sparse numbers, as they should be. */
const LOG = [entry(3, 0, first), entry(7, 3, winner), entry(9, 7, last)];

function reading(...entries: readonly LogEntry[]): Reading {
  return { reader: 'bob', afterSeq: 0, epoch: 0n, seen: entries.map((item) => ({ kind: 'entry', entry: item })) };
}

/** What happened if nothing went wrong. */
function history(): History {
  const told = new History();
  for (const submission of [first, winner, loser, last]) told.submitted(submission);
  told.answered(first, accepted(3));
  told.answered(winner, accepted(7));
  told.answered(loser, lost);
  told.answered(last, accepted(9));
  told.welcomed(ref, { channel: parseChannelName('acme/a/b'), commitSeq: 7, payload: fresh(1) });
  told.readings.push(reading(...LOG));
  return told;
}

test('finds nothing wrong with a log that keeps every promise', () => {
  expect(history().violations(reading(...LOG))).toEqual([]);
});

test.each<[string, RegExp, (told: History) => Reading]>([
  ['an acknowledged message that is lost', /acknowledged as 9 and is lost/, () => reading(...LOG.slice(0, 2))],
  ['an entry that is withheld', /follows 3, which was not delivered/, () => reading(...LOG.slice(1))],
  ['an entry that comes twice', /3 came after 3/, () => reading(LOG[0]!, ...LOG)],
  [
    'a message that is stored twice',
    /stored as 3 and as 11/,
    () => reading(...LOG, entry(11, 9, { ...first, epoch: 1n })),
  ],
  ['a message that nobody sent', /was never submitted/, () => reading(...LOG, entry(11, 9, message(1n)))],
  ['a commit that was refused and is stored', /was refused/, () => reading(...LOG, entry(11, 9, loser))],
  ['a second winner of an epoch', /ends epoch 0, the log is in 1/, () => reading(...LOG, entry(11, 9, loser))],
  ['a message before its epoch', /is of epoch 1, the log is in 0/, () => reading(entry(2, 0, last), ...LOG)],
  [
    'two readers who see different entries under one number',
    /differs from the log/,
    (told) => {
      told.readings.push(reading(entry(3, 0, message(0n))));
      return reading(...LOG);
    },
  ],
  [
    'two answers to one id',
    /acknowledged as 4 and is 3/,
    (told) => {
      told.answered(first, accepted(4));
      return reading(...LOG);
    },
  ],
  [
    'a Welcome of a commit that lost',
    /a Welcome names commit 7, the log says undefined/,
    (told) => {
      const [welcome] = loser.welcomes ?? [];
      const [loserRef] = welcome?.keyPackageRefs ?? [];
      told.welcomed(loserRef!, { channel: parseChannelName('acme/a/b'), commitSeq: 7, payload: fresh(1) });
      return reading(...LOG);
    },
  ],
  [
    'an epoch that is said to be decided and is not',
    /was told that epoch 5 was decided/,
    (told) => {
      const early = commit(5n);
      told.submitted(early);
      told.answered(early, lost);
      return reading(...LOG);
    },
  ],
])('finds %s', (_, expected, damage) => {
  const told = history();
  expect(told.violations(damage(told)).join('\n')).toMatch(expected);
});
