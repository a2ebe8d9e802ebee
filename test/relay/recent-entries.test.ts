import { expect, test } from 'vitest';
import { MAX_FRAME_ENTRIES } from '../../src/relay/delivery/chunk.ts';
import { RecentEntries } from '../../src/relay/delivery/recent-entries.ts';
import type { EntryRun } from '../../src/relay/engine/entry-run.ts';
import { CHANNEL, OTHER_CHANNEL } from './support/submissions.ts';

/** Behind all that is there. */
const END = 1_000_000;

/** Entries of ten bytes each. */
function run(first: number, count: number, buffer = new ArrayBuffer(10 * count)): EntryRun {
  const seqs = Array.from({ length: count }, (_, index) => first + index);
  return {
    bytes: new Uint8Array(buffer, 0, 10 * count),
    seqs,
    ends: seqs.map((_, index) => 10 * (index + 1)),
    prevSeq: first - 1,
  };
}

test('serves a reader at the tail the very chunk that was appended, and one in the middle its rest', () => {
  const recent = new RecentEntries(10_000);
  recent.push(CHANNEL, run(1, 5));
  recent.push(CHANNEL, run(6, 5));
  const tail = recent.after(CHANNEL, 5, END, 100);
  expect(recent.after(CHANNEL, 5, END, 100)).toBe(tail);
  expect(tail?.frame(4)).toBe(tail?.frame(4));
  expect(recent.after(CHANNEL, 7, END, 100)?.run.seqs).toEqual([8, 9, 10]);
  expect(recent.after(CHANNEL, 7, END, 2)?.run.seqs).toEqual([8, 9]);
  expect(recent.after(CHANNEL, 10, END, 100)).toBeUndefined();
  expect(recent.after(OTHER_CHANNEL, 0, END, 100)).toBeUndefined();
});

test('joins small appends into full frames for a reader who lags behind', () => {
  const recent = new RecentEntries(100_000);
  for (let seq = 1; seq <= 500; seq += 1) recent.push(CHANNEL, run(seq, 1));
  expect(recent.after(CHANNEL, 0, END, 1000)?.run.seqs).toHaveLength(MAX_FRAME_ENTRIES);
  expect(recent.after(CHANNEL, 0, END, 10)?.run.seqs).toHaveLength(10);
  expect(recent.after(CHANNEL, 495, END, 1000)?.run.seqs).toEqual([496, 497, 498, 499, 500]);
});

test('joins nothing beyond the place up to which the reader was told', () => {
  const recent = new RecentEntries(100_000);
  for (let seq = 1; seq <= 20; seq += 1) recent.push(CHANNEL, run(seq, 1));
  expect(recent.after(CHANNEL, 10, 13, 100)?.run.seqs).toEqual([11, 12, 13]);
});

test('keeps no more than its bytes over all channels and forgets the oldest first', () => {
  const recent = new RecentEntries(200);
  recent.push(CHANNEL, run(1, 10));
  recent.push(OTHER_CHANNEL, run(1, 10));
  recent.push(CHANNEL, run(11, 10));
  expect(recent.bytes).toBe(300);
  recent.evict();
  expect(recent.bytes).toBe(200);
  expect(recent.after(CHANNEL, 0, END, 10)).toBeUndefined();
  expect(recent.after(CHANNEL, 10, END, 10)?.run.seqs[0]).toBe(11);
  expect(recent.after(OTHER_CHANNEL, 0, END, 10)?.run.seqs[0]).toBe(1);
  for (let round = 0; round < 5000; round += 1) {
    recent.push(CHANNEL, run(21 + round * 10, 10));
    recent.evict();
  }
  expect(recent.bytes).toBe(200);
});

test('never serves across a hole', () => {
  const recent = new RecentEntries(10_000);
  recent.push(CHANNEL, run(1, 5));
  recent.push(CHANNEL, run(9, 5));
  expect(recent.after(CHANNEL, 2, END, 100)).toBeUndefined();
  expect(recent.after(CHANNEL, 5, END, 100)).toBeUndefined();
  expect(recent.after(CHANNEL, 8, END, 100)?.run.seqs[0]).toBe(9);
});

test('does not keep a large buffer for the sake of a small run in it', () => {
  const recent = new RecentEntries(10_000);
  recent.push(CHANNEL, run(1, 5, new ArrayBuffer(1_000_000)));
  expect(recent.after(CHANNEL, 0, END, 100)?.run.bytes.buffer.byteLength).toBeLessThan(60);
});
