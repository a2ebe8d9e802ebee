import { NO_PINS } from '../../../src/mls/identity-pins.ts';
import { NO_ADMISSIONS } from '../../../src/mls/invite/admissions.ts';
import { parseChannelName } from '../../../src/base/channel-name.ts';
import type { ChannelName } from '../../../src/base/channel-name.ts';
import type { Group } from '../../../src/mls/group.ts';
import type { ChannelRecord, GroupCodec } from '../../../src/mls/store/index.ts';

/** A group without MLS: nodes of bytes, of which a message changes one. */
export interface FakeGroup extends Group {
  readonly nodes: readonly Uint8Array[];
}

export const channel: ChannelName = parseChannelName('acme/research/summarizer');
export const otherChannel: ChannelName = parseChannelName('acme/research/translator');

/** `length` bytes that depend on `seed` alone. */
export function bytesOf(seed: number, length: number): Uint8Array {
  let state = (seed * 2654435761 + 1) >>> 0;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}

export function fakeGroup(epoch: bigint, nodes: readonly Uint8Array[], seed = 1): FakeGroup {
  return { groupId: bytesOf(seed, 16), epoch, ownLeaf: 0, isActive: true, nodes };
}

/** The group after a message: one node is another. */
export function step(group: FakeGroup, node: number, value: Uint8Array): FakeGroup {
  return { ...group, nodes: group.nodes.map((old, index) => (index === node ? value : old)) };
}

/** A codec for {@link FakeGroup}s: JSON for the whole, node number and value for a delta. */
export const fakeCodec: GroupCodec = {
  encode(group) {
    const { groupId, epoch, ownLeaf, isActive, nodes } = group as FakeGroup;
    const hex = nodes.map((node) => Buffer.from(node).toString('hex'));
    const text = JSON.stringify({
      id: Buffer.from(groupId).toString('hex'),
      epoch: `${epoch}`,
      ownLeaf,
      isActive,
      hex,
    });
    return new Uint8Array(Buffer.from(text));
  },
  decode(bytes) {
    const { id, epoch, ownLeaf, isActive, hex } = JSON.parse(Buffer.from(bytes).toString()) as {
      id: string;
      epoch: string;
      ownLeaf: number;
      isActive: boolean;
      hex: string[];
    };
    const nodes = hex.map((node) => new Uint8Array(Buffer.from(node, 'hex')));
    const group: FakeGroup = {
      groupId: new Uint8Array(Buffer.from(id, 'hex')),
      epoch: BigInt(epoch),
      ownLeaf,
      isActive,
      nodes,
    };
    return group;
  },
  delta(before, after) {
    const [old, now] = [before as FakeGroup, after as FakeGroup];
    if (old.nodes.length !== now.nodes.length) return undefined;
    const changed = now.nodes.flatMap((node, index) => (node === old.nodes[index] ? [] : [index]));
    return new Uint8Array(
      Buffer.concat(
        changed.map((index) => Buffer.from([index, now.nodes[index]?.length ?? 0, ...(now.nodes[index] ?? [])])),
      ),
    );
  },
  apply(group, delta) {
    let result = group as FakeGroup;
    for (let at = 0; at < delta.length; ) {
      const [index = 0, length = 0] = delta.subarray(at, at + 2);
      result = step(result, index, delta.slice(at + 2, at + 2 + length));
      at += 2 + length;
    }
    return result;
  },
};

/** A channel with nothing under way, its group ten nodes wide. */
export function emptyRecord(name: ChannelName = channel): ChannelRecord {
  return {
    name,
    group: fakeGroup(
      0n,
      Array.from({ length: 10 }, (_, index) => bytesOf(index, 64)),
    ),
    idKey: bytesOf(99, 32),
    cursor: { afterSeq: 0 },
    outbox: [],
    journal: [],
    pendingCommit: undefined,
    commitSpentInEpoch: undefined,
    pins: NO_PINS,
    admissions: NO_ADMISSIONS,
  };
}

const EPOCH_LENGTH = 37;

/**
 * The `count`th record in the life of a channel: each is made of the one before by a message out and a message in; some
 * begin or end a commit, every 37th an epoch.
 */
export function nextRecord(before: ChannelRecord, count: number): ChannelRecord {
  const group = before.group as FakeGroup;
  const startsEpoch = count % EPOCH_LENGTH === 0;
  const sent = { messageId: bytesOf(count, 16), payload: bytesOf(count, 20 + (count % 50)) };
  const received = {
    seq: count * 2,
    epoch: group.epoch,
    sender: bytesOf(count % 3, 8),
    payload: bytesOf(count + 7, 30),
    receivedAtMs: 1_700_000_000_000 + count / 4,
  };
  const commit = {
    messageId: bytesOf(count + 3, 16),
    epoch: group.epoch,
    commit: bytesOf(count, 90),
    welcome: count % 2 === 0 ? bytesOf(count, 200) : undefined,
    welcomeRefs: count % 2 === 0 ? [bytesOf(count, 32)] : [],
    next: fakeGroup(group.epoch + 1n, group.nodes),
  };
  let { pendingCommit, commitSpentInEpoch } = before;
  if (count % EPOCH_LENGTH === 30) [pendingCommit, commitSpentInEpoch] = [commit, group.epoch];
  if (count % EPOCH_LENGTH === 34) pendingCommit = undefined;
  return {
    ...before,
    group: startsEpoch
      ? fakeGroup(group.epoch + 1n, group.nodes)
      : step(group, count % group.nodes.length, bytesOf(count, 64)),
    cursor: startsEpoch ? { afterCommitOfEpoch: group.epoch } : { afterSeq: count * 2 },
    outbox: [...before.outbox.filter((_, index) => index !== count % 5 || before.outbox.length < 5), sent],
    journal: [...before.journal.slice(count % 4 === 0 ? 3 : 0), received],
    pendingCommit,
    commitSpentInEpoch,
  };
}

/** The record after `count` steps from {@link emptyRecord}. */
export function recordAt(count: number): ChannelRecord {
  let record = emptyRecord();
  for (let step = 1; step <= count; step += 1) record = nextRecord(record, step);
  return record;
}
