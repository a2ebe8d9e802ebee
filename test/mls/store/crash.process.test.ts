import { randomInt } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { openDataDirectory } from '../../../src/mls/store/index.ts';
import type { ChannelRecord } from '../../../src/mls/store/index.ts';
import { channel, fakeCodec, recordAt } from './fake-groups.ts';
import { runProgram } from './program.ts';
import { recordNumber } from './record-number.ts';
import { hasSqlite, temporaryDirectory } from './stores.ts';

/** What the next process would find; the directory is left as the crash left it, save for what opening repairs. */
async function reopen(directory: string): Promise<ChannelRecord | undefined> {
  const { store } = await openDataDirectory(directory, { codec: fakeCodec });
  try {
    return await store.loadChannel(channel);
  } finally {
    await store.close();
  }
}

const numberIn = (lines: readonly string[], verb: string): number =>
  Math.max(0, ...lines.filter((line) => line.startsWith(verb)).map((line) => Number(line.split(' ')[1])));

describe.runIf(hasSqlite)('after SIGKILL', () => {
  test('at any moment, the last acknowledged record is there or the one after it, in every byte', async () => {
    const directory = temporaryDirectory();
    let acknowledged = 0;
    for (let round = 0; round < 10; round += 1) {
      // A process that folds at every fourth save spends much of its time in folding.
      const writer = runProgram('save-in-a-loop', directory, round % 2 === 0 ? '100' : '3');
      const target = acknowledged + randomInt(1, 60);
      await writer.line((line) => line.startsWith('saved') && Number(line.split(' ')[1]) >= target);
      // The moment is what is random here: nothing is waited for.
      await wait(randomInt(0, 12));
      await writer.kill();
      expect(numberIn(writer.lines, 'found'), `round ${round}`).toBeGreaterThanOrEqual(acknowledged);
      acknowledged = numberIn(writer.lines, 'saved');

      const record = await reopen(directory);
      const found = recordNumber(record as ChannelRecord);
      const context = `round ${round}: acknowledged ${acknowledged}, found ${found}`;
      expect(found - acknowledged, context).toBeGreaterThanOrEqual(0);
      expect(found - acknowledged, context).toBeLessThanOrEqual(1);
      expect(record, context).toEqual(recordAt(found));
      acknowledged = found;
    }
  });

  test.each([
    ['before-head', 0],
    ['after-head', 1],
    ['amid-deletions', 1],
  ])('while folding, %s, nothing is lost', async (moment, ahead) => {
    const directory = temporaryDirectory();
    const writer = runProgram('save-in-a-loop', directory, '5', moment);
    await writer.line((line) => line === 'standing');
    await writer.kill();
    const acknowledged = numberIn(writer.lines, 'saved');
    expect(acknowledged).toBeGreaterThan(5);
    const record = await reopen(directory);
    expect(record).toEqual(recordAt(acknowledged + ahead));
    // And the next process goes on.
    const next = runProgram('save-in-a-loop', directory, '5');
    await next.line((line) => line === `saved ${acknowledged + ahead + 20}`);
    await next.kill();
    const after = await reopen(directory);
    expect(after).toEqual(recordAt(recordNumber(after as ChannelRecord)));
  });
});
