import { randomInt } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { openDataDirectory } from '../../../src/mls/store/index.ts';
import { channel, fakeCodec, recordAt } from './fake-groups.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { runProgram } from './program.ts';
import { hasSqlite, temporaryDirectory } from './stores.ts';

const keyOf = (count: number): Uint8Array => new Uint8Array(32).fill(count);

/** Whether this key opens the directory; if so, all is in it. */
async function opens(path: string, count: number): Promise<boolean> {
  const opening = openDataDirectory(path, { codec: fakeCodec, clock: new ManualClock(), key: keyOf(count) });
  const directory = await opening.catch((error: unknown) => {
    expect(error).toMatchObject({ code: 'state_key_wrong' });
  });
  if (directory === undefined) return false;
  expect(await directory.store.loadChannel(channel)).toEqual(recordAt(2));
  await directory.store.close();
  return true;
}

async function furnished(count: number): Promise<string> {
  const path = temporaryDirectory();
  const { store } = await openDataDirectory(path, { codec: fakeCodec, clock: new ManualClock(), key: keyOf(count) });
  for (const saves of [1, 2]) await store.saveChannel(recordAt(saves));
  await store.close();
  return path;
}

describe.runIf(hasSqlite)('a change of the state key that is killed', () => {
  test.each([
    ['before-rename', 0],
    ['after-rename', 1],
  ])('%s leaves exactly one key that opens the directory', async (moment, expected) => {
    const path = await furnished(0);
    const changer = runProgram('change-state-key', path, '0', moment);
    await changer.line((line) => line === 'standing');
    await changer.kill();
    expect([await opens(path, 0), await opens(path, 1)]).toEqual([expected === 0, expected === 1]);
    // And leaves no half of anything.
    expect(readdirSync(path).sort()).toEqual(['agent.keys', 'agent.sqlite', 'owner.lock']);
  });

  test('at any moment leaves the last acknowledged key or the one after it, and refuses the ones before', async () => {
    const path = await furnished(0);
    let current = 0;
    for (let round = 0; round < 5; round += 1) {
      const changer = runProgram('change-state-key', path, `${current}`);
      await changer.line((line) => line.startsWith('changed'));
      // The moment is what is random here: nothing is waited for.
      await wait(randomInt(0, 30));
      await changer.kill();
      const acknowledged = Number(changer.lines.at(-1)?.split(' ')[1]);
      const found = [];
      for (const count of [acknowledged - 1, acknowledged, acknowledged + 1]) {
        if (await opens(path, count)) found.push(count);
      }
      expect(found, `round ${round}, acknowledged ${acknowledged}`).toHaveLength(1);
      current = found[0] ?? 0;
      expect(current).toBeGreaterThanOrEqual(acknowledged);
    }
  });
});
