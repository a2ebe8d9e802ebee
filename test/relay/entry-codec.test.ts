import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { encodeDeliverFrame, ENTRY_OVERHEAD_BYTES, EntryWriter } from '../../src/relay/engine/entry-codec.ts';
import type { EntryFields } from '../../src/relay/engine/entry-codec.ts';
import { cutRun, joinRuns, sliceRun } from '../../src/relay/engine/entry-run.ts';
import type { EntryRun } from '../../src/relay/engine/entry-run.ts';
import { DeliverSchema, EntrySchema, ServerFrameSchema } from '../../src/transport/gen/skytale/relay/v1/relay_pb.ts';
import { entryToWire } from '../../src/transport/index.ts';
import { entriesOf } from './support/runs.ts';
import { fresh } from './support/submissions.ts';

const MAX = Number.MAX_SAFE_INTEGER;
const NUMBERS = [1, 127, 128, 16_383, 16_384, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 35 + 1, 2 ** 49, MAX];
const SAMPLES: EntryFields[] = [
  ...NUMBERS.map(
    (seq): EntryFields => ({
      seq,
      prevSeq: seq - 1,
      kind: seq % 2 === 0 ? 'commit' : 'message',
      epoch: MAX - seq,
      messageId: fresh(16),
      payload: fresh((seq % 300) + 1),
      storedAtMs: 1_700_000_000_000 + (seq % 1000),
    }),
  ),
  {
    seq: MAX,
    prevSeq: MAX - 1,
    kind: 'commit',
    epoch: MAX,
    messageId: fresh(16),
    payload: fresh(262_144),
    storedAtMs: MAX,
  },
];

test('writes an entry exactly as the generated codec does', () => {
  for (const fields of SAMPLES) {
    const generated = toBinary(
      EntrySchema,
      create(EntrySchema, entryToWire({ ...fields, epoch: BigInt(fields.epoch) })),
    );
    const writer = new EntryWriter(fields.payload.length + ENTRY_OVERHEAD_BYTES);
    expect(Buffer.compare(writer.entry(fields), generated)).toBe(0);
    const copy = new EntryWriter(fields.payload.length + ENTRY_OVERHEAD_BYTES);
    copy.encoded(generated);
    expect(Buffer.compare(copy.buffer.subarray(0, copy.offset), writer.buffer.subarray(0, writer.offset))).toBe(0);
  }
});

test.each([0, 1, 127, 128, 2 ** 32 - 1])(
  'frames entries for subscription %i as the generated codec does',
  (subscription) => {
    const { bytes } = runOf(5);
    const { entries } = fromBinary(DeliverSchema, bytes);
    const frame = { case: 'deliver', value: { subscription, entries } } as const;
    const generated = toBinary(ServerFrameSchema, create(ServerFrameSchema, { frame }));
    expect(Buffer.compare(encodeDeliverFrame(subscription, bytes), generated)).toBe(0);

    const head = generated.length - bytes.length;
    const page = new Uint8Array(head + bytes.length + 3);
    page.set(bytes, head);
    const entriesInPage = page.subarray(head, head + bytes.length);
    // In front of them is not quite enough room, and then there is.
    const copy = encodeDeliverFrame(subscription, entriesInPage, head - 1);
    expect(page.subarray(0, head)).toEqual(new Uint8Array(head));
    const inPlace = encodeDeliverFrame(subscription, entriesInPage, head);
    expect(inPlace.buffer).toBe(page.buffer);
    for (const frame of [copy, inPlace]) expect(Buffer.compare(frame, generated)).toBe(0);
  },
);

test('cuts, slices and joins runs between entries', () => {
  const run = runOf(10);
  const all = entriesOf(run);
  expect(entriesOf(sliceRun(run, 3, 7))).toEqual(all.slice(3, 7));
  expect(sliceRun(run, 3, 7).prevSeq).toBe(3);
  const pieces = cutRun(run, 4, 1_000_000);
  expect(pieces.map(({ seqs }) => seqs.length)).toEqual([4, 4, 2]);
  expect(pieces.flatMap(entriesOf)).toEqual(all);
  expect(joinRuns(pieces.slice(1))).toMatchObject({ prevSeq: 4, seqs: [5, 6, 7, 8, 9, 10] });
  expect(entriesOf(sliceRun(joinRuns(pieces), 2, 9))).toEqual(all.slice(2, 9));
  expect(cutRun(run, 100, 1)).toHaveLength(10);
});

function runOf(count: number): EntryRun {
  const writer = new EntryWriter(count * (100 + ENTRY_OVERHEAD_BYTES));
  const seqs: number[] = [];
  const ends: number[] = [];
  for (let seq = 1; seq <= count; seq += 1) {
    const payload = fresh(seq * 7);
    writer.entry({ seq, prevSeq: seq - 1, kind: 'message', epoch: 0, messageId: fresh(16), payload, storedAtMs: 5 });
    seqs.push(seq);
    ends.push(writer.offset);
  }
  return { bytes: writer.buffer.subarray(0, writer.offset), seqs, ends, prevSeq: 0 };
}
