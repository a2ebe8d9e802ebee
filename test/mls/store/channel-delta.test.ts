import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyDelta, encodeDelta } from '../../../src/mls/store/channel-delta.ts';
import { decodeChannel, encodeChannel } from '../../../src/mls/store/channel-encoding.ts';
import { applyListChange, changeOfList } from '../../../src/mls/store/list-change.ts';
import { bytesOf, emptyRecord, fakeCodec, fakeGroup, nextRecord, otherChannel, recordAt, step } from './fake-groups.ts';
import type { FakeGroup } from './fake-groups.ts';

describe('a channel in bytes', () => {
  test('comes back as it was, at every point of its life', () => {
    for (const count of [0, 1, 29, 30, 33, 34, 37, 38, 67, 100]) {
      const record = recordAt(count);
      expect(decodeChannel(encodeChannel(record, fakeCodec), fakeCodec)).toEqual(record);
    }
  });

  test('keeps numbers beyond 32 bits', () => {
    const record = {
      ...emptyRecord(),
      cursor: { afterSeq: Number.MAX_SAFE_INTEGER },
      commitSpentInEpoch: 2n ** 64n - 1n,
    };
    expect(decodeChannel(encodeChannel(record, fakeCodec), fakeCodec)).toEqual(record);
  });

  test('is refused when bytes are left over or missing', () => {
    const body = encodeChannel(recordAt(40), fakeCodec);
    expect(() => decodeChannel(Uint8Array.of(...body, 0), fakeCodec)).toThrow();
    for (let length = 0; length < body.length; length += 7) {
      expect(() => decodeChannel(body.subarray(0, length), fakeCodec), `${length}`).toThrow();
    }
  });
});

describe('a delta', () => {
  test('makes each record of the one before, in an epoch', () => {
    let before = emptyRecord();
    let deltas = 0;
    for (let count = 1; count <= 120; count += 1) {
      const after = nextRecord(before, count);
      const body = encodeDelta(before, after, fakeCodec);
      if (after.group.epoch === before.group.epoch) {
        expect(applyDelta(before, body ?? new Uint8Array(), fakeCodec)).toEqual(after);
        deltas += 1;
      } else expect(body).toBeUndefined();
      before = after;
    }
    expect(deltas).toBe(117);
  });

  test('spans any number of records', () => {
    const [before, after] = [recordAt(38), recordAt(73)];
    expect(applyDelta(before, encodeDelta(before, after, fakeCodec) ?? new Uint8Array(), fakeCodec)).toEqual(after);
  });

  test('of a message holds the node, the cursor and the new entry, and little else', () => {
    const before = recordAt(40);
    const after = {
      ...before,
      group: step(before.group as FakeGroup, 3, bytesOf(5, 64)),
      outbox: [...before.outbox, { messageId: bytesOf(1, 16), payload: bytesOf(2, 100) }],
      cursor: { afterSeq: 1_000_000 },
    };
    expect(encodeDelta(before, after, fakeCodec)?.length).toBeLessThanOrEqual(64 + 16 + 100 + 20);
  });

  test('and a head keep what entries have beside their payload, and read those of format 1 that have nothing', () => {
    const before = recordAt(40);
    const [plain] = before.journal;
    if (plain === undefined) throw new Error('the journal is empty');
    const header = bytesOf(7, 5);
    const after = {
      ...before,
      outbox: [...before.outbox, { messageId: bytesOf(1, 16), payload: bytesOf(2, 0), header }],
      journal: [...before.journal, { ...plain, seq: 5_000, header }],
    };
    expect(applyDelta(before, encodeDelta(before, after, fakeCodec) ?? new Uint8Array(), fakeCodec)).toEqual(after);
    const head = decodeChannel(encodeChannel(after, fakeCodec), fakeCodec);
    expect(head.outbox).toEqual(after.outbox);
    expect(head.journal).toEqual(after.journal);
  });

  test('and a head keep who was seen coming, and read those of format 2 that do not', () => {
    const before = recordAt(40);
    const leaf = {
      leafTag: bytesOf(1, 16),
      identityTag: bytesOf(2, 16),
      inviteId: bytesOf(3, 16),
      seenAtMs: 1_000.5,
      expiresAtMs: 2_000,
      epoch: 2n ** 63n,
      seq: 2 ** 40,
    };
    const admissions = { sinceMs: 7, leaves: [leaf, { ...leaf, leafTag: bytesOf(4, 16), inviteId: undefined }] };
    const after = { ...before, admissions };
    expect(applyDelta(before, encodeDelta(before, after, fakeCodec) ?? new Uint8Array(), fakeCodec)).toEqual(after);
    const later = { ...after, admissions: { sinceMs: 8, leaves: admissions.leaves.slice(1) } };
    expect(applyDelta(after, encodeDelta(after, later, fakeCodec) ?? new Uint8Array(), fakeCodec)).toEqual(later);
    const head = encodeChannel(after, fakeCodec);
    expect(decodeChannel(head, fakeCodec)).toEqual(after);
    // Of nobody, they are two bytes at the end of a head. Format 2 ended before them.
    const old = encodeChannel(before, fakeCodec).slice(0, -2);
    expect(decodeChannel(old, fakeCodec, 2)).toEqual(before);
    expect(() => decodeChannel(old, fakeCodec, 3)).toThrow();
  });

  test('takes equal values for equal where they are not the same object', () => {
    const before = recordAt(40);
    const after = decodeChannel(encodeChannel(before, fakeCodec), fakeCodec);
    expect(
      encodeDelta(before, { ...after, group: before.group, pendingCommit: before.pendingCommit }, fakeCodec),
    ).toEqual(Uint8Array.of(0));
  });

  test('is not possible across epochs, groups, names or id keys, nor where the codec has none', () => {
    const before = emptyRecord();
    const group = before.group as FakeGroup;
    expect(encodeDelta(before, { ...before, group: fakeGroup(1n, group.nodes) }, fakeCodec)).toBeUndefined();
    expect(encodeDelta(before, { ...before, group: fakeGroup(0n, group.nodes, 2) }, fakeCodec)).toBeUndefined();
    expect(encodeDelta(before, { ...before, name: otherChannel }, fakeCodec)).toBeUndefined();
    expect(encodeDelta(before, { ...before, idKey: bytesOf(3, 32) }, fakeCodec)).toBeUndefined();
    expect(encodeDelta(before, { ...before, group: fakeGroup(0n, []) }, fakeCodec)).toBeUndefined();
  });

  test('that does not fit is refused', () => {
    const body = encodeDelta(recordAt(40), recordAt(45), fakeCodec) ?? new Uint8Array();
    expect(() => applyDelta(emptyRecord(), body, fakeCodec)).toThrow(/not in the list/);
    expect(() => applyDelta(recordAt(40), Uint8Array.of(...body, 0), fakeCodec)).toThrow();
  });
});

test('a change of a list leads to the new list, whatever both are', () => {
  const list = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 12 });
  fc.assert(
    fc.property(list, list, (before, after) => {
      const change = changeOfList(before, after, Object.is);
      expect(applyListChange(before, change)).toEqual(after);
    }),
  );
});

test('a change of a list is short for a queue', () => {
  expect(changeOfList([1, 2, 3, 4], [1, 3, 4, 5], Object.is)).toEqual({ removed: [1], added: [5] });
  expect(() => applyListChange([1], { removed: [1], added: [] })).toThrow(RangeError);
  expect(() => applyListChange([1, 2], { removed: [1, 1], added: [] })).toThrow(RangeError);
});
