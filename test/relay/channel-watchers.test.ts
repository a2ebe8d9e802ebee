import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ChannelWatchers, MAX_TOLD_PER_TURN } from '../../src/relay/delivery/channel-watchers.ts';
import type { ChannelWatcher } from '../../src/relay/delivery/channel-watchers.ts';
import type { NoticeTopic } from '../../src/transport/index.ts';

const GROUP = new Uint8Array(16);

const ignore = (): void => undefined;

/** So many watchers, and the ends of the log that each was told. */
function crowd(count: number): {
  watchers: ChannelWatchers;
  told: number[][];
  members: ChannelWatcher[];
} {
  const watchers = new ChannelWatchers();
  const told = Array.from({ length: count }, (): number[] => []);
  const members = told.map((heads) => ({ appended: (headSeq: number) => void heads.push(headSeq), noticed: ignore }));
  for (const member of members) watchers.add(member);
  return { watchers, told, members };
}

const countTold = (told: readonly number[][]): number => told.filter(({ length }) => length > 0).length;

test('tells a few watchers at once', () => {
  const { watchers, told } = crowd(MAX_TOLD_PER_TURN - 1);
  watchers.tell(1, GROUP);
  watchers.tell(2, GROUP);
  for (const heads of told) expect(heads).toEqual([1, 2]);
});

test('tells a crowd in turns of the loop, with room for others in between', async () => {
  const { watchers, told } = crowd(10_000);
  watchers.tell(7, GROUP);
  let turns = 0;
  for (let known = countTold(told); known < told.length; known = countTold(told)) {
    expect(known).toBeLessThanOrEqual((turns + 1) * MAX_TOLD_PER_TURN);
    await turn();
    turns += 1;
  }
  expect(turns).toBeGreaterThan(10_000 / MAX_TOLD_PER_TURN - 3);
  for (const heads of told) expect(heads).toEqual([7]);
});

test('tells everybody the last of what came while a round was under way, and nobody an older one after it', async () => {
  const { watchers, told } = crowd(2000);
  for (let headSeq = 1; headSeq <= 40; headSeq += 1) {
    watchers.tell(headSeq, GROUP);
    if (headSeq % 5 === 0) await turn();
  }
  while (told.some((heads) => heads.at(-1) !== 40)) await turn();
  for (const heads of told) expect(heads).toEqual([...heads].sort((a, b) => a - b));
  // Rounds do not queue up: far fewer than one for each.
  expect(Math.max(...told.map(({ length }) => length))).toBeLessThan(20);
});

test('tells nobody who left while the round was under way, and a newcomer once', async () => {
  const { watchers, told, members } = crowd(2000);
  watchers.tell(1, GROUP);
  for (const member of members.slice(1500)) watchers.delete(member);
  const heads: number[] = [];
  watchers.add({ appended: (headSeq) => void heads.push(headSeq), noticed: ignore });
  while (heads.length === 0) await turn();
  await turn();
  expect(heads).toEqual([1]);
  expect(countTold(told)).toBe(1500);
  expect(watchers.size).toBe(1501);
});

test('tells notices as it tells of entries: at once to a few, in turns to a crowd, several of one topic as one', async () => {
  const watchers = new ChannelWatchers();
  const told = Array.from({ length: 300 }, (): (NoticeTopic | number)[] => []);
  for (const heard of told) {
    watchers.add({ appended: (headSeq) => void heard.push(headSeq), noticed: (topic) => void heard.push(topic) });
  }
  watchers.notify('join-requests'); // told in the first round
  for (let count = 0; count < 50; count += 1) {
    watchers.notify('removals');
    watchers.tell(7, GROUP);
  }
  expect(told.map(({ length }) => length)).toEqual([
    ...Array.from({ length: MAX_TOLD_PER_TURN }, () => 1),
    ...Array.from({ length: 300 - MAX_TOLD_PER_TURN }, () => 0),
  ]);
  while (told.at(-1)?.length !== 3) await turn();
  for (const heard of told) expect(heard).toEqual(['join-requests', 7, 'removals']);
});
