import { beforeAll, expect, it } from 'vitest';
import { OutboxDesk } from '../../../src/actors/channel/outbox-desk.ts';
import { parseChannelName } from '../../../src/index.ts';
import {
  type ChannelRecord,
  commitChange,
  createAgentKeys,
  createGroup,
  createMlsEngine,
  type MlsEngine,
  newGroupId,
  NO_ADMISSIONS,
  NO_PINS,
} from '../../../src/mls/index.ts';
import type { PublishAnswer, Submission } from '../../../src/transport/index.ts';
import { bytes, CHANNEL } from '../../support/swarm.ts';

const NOW = 1_800_000_000_000;
const stale: PublishAnswer = { kind: 'refused', reason: 'stale-epoch', detail: '', currentEpoch: 1n };
const accepted = (seq: number): PublishAnswer => ({ kind: 'accepted', seq, duplicate: false });

let engine: MlsEngine;
let start: ChannelRecord;

beforeAll(async () => {
  engine = await createMlsEngine();
  const keys = await createAgentKeys(engine, bytes('alice'));
  const name = parseChannelName(CHANNEL);
  start = {
    name,
    group: await createGroup(engine, { groupId: newGroupId(name, new Uint8Array(16)), keys, nowMs: NOW }),
    idKey: new Uint8Array(32),
    cursor: { afterSeq: 0 },
    outbox: [],
    journal: [],
    pendingCommit: undefined,
    commitSpentInEpoch: undefined,
    pins: NO_PINS,
    admissions: NO_ADMISSIONS,
  };
});

/** A desk that has taken one-byte payloads 1, 2, 3 …, whose message ids are the same. */
function deskWith(payloads: number): { desk: OutboxDesk; record: ChannelRecord } {
  const desk = new OutboxDesk();
  let id = 0;
  const outgoing = Array.from({ length: payloads }, (_, index) => ({
    payload: Uint8Array.of(index + 1),
    waiter: undefined,
  }));
  return { desk, record: desk.accept(start, outgoing, () => Uint8Array.of((id += 1))) };
}

async function submit(desk: OutboxDesk, record: ChannelRecord): Promise<readonly Submission[]> {
  const { submissions } = await desk.prepare(record, engine);
  desk.submitted(submissions.length, record.group.epoch);
  return submissions;
}

const ids = (submissions: readonly Submission[]): number[] => submissions.map(({ messageId }) => messageId[0] ?? -1);

it('submits at most 32 messages in one batch and 256 before the first answer', async () => {
  const { desk, record } = deskWith(300);
  const batches: number[] = [];
  while (desk.canSubmit(record)) batches.push((await submit(desk, record)).length);

  expect(batches).toEqual([32, 32, 32, 32, 32, 32, 32, 32]);
  expect(desk.hasRoom(true)).toBe(false);
  expect(desk.unsettled).toBe(300);
});

it('encrypts stale messages again in the epoch that the relay asks for, in their order, before all others', async () => {
  const { desk, record } = deskWith(70);
  const first = await submit(desk, record);
  const second = await submit(desk, record);

  desk.answered(
    first,
    first.map(() => stale),
  );
  expect(desk.canSubmit(record)).toBe(false);
  desk.answered(
    second,
    second.map(() => stale),
  );
  expect(desk.canSubmit(record)).toBe(false);
  const { next } = await commitChange(engine, record.group, { rotate: true }, 'private', NOW);
  const inNextEpoch = { ...record, group: next };
  expect(desk.canSubmit(inNextEpoch)).toBe(true);

  const again = [await submit(desk, inNextEpoch), await submit(desk, inNextEpoch), await submit(desk, inNextEpoch)];
  expect(again.flatMap(ids)).toEqual(Array.from({ length: 70 }, (_, index) => index + 1));
  expect(again.flat().every(({ epoch }) => epoch === 1n)).toBe(true);
});

it('submits nothing past a message that came back until the others in flight are answered', async () => {
  const { desk, record } = deskWith(64);
  const first = await submit(desk, record);
  const second = await submit(desk, record);

  desk.unanswered(first);
  expect(desk.canSubmit(record)).toBe(false);
  desk.answered(
    second,
    second.map((_, index) => accepted(index + 1)),
  );

  expect(ids(await submit(desk, record))).toEqual(ids(first));
});

it('settles a message once, by the answer or by the log, whichever comes first', async () => {
  const { desk, record } = deskWith(2);
  const submissions = await submit(desk, record);

  desk.stored('01', 7, 0n);
  desk.answered(submissions, [accepted(7), accepted(8)]);
  desk.stored('02', 8, 0n);

  expect(desk.unsettled).toBe(0);
  expect(desk.sweep(record).outbox).toEqual([]);
});

it('takes out of the queue what the log already has', () => {
  const { desk, record } = deskWith(3);
  desk.stored('02', 1, 0n);

  expect(desk.unsettled).toBe(2);
  expect(desk.sweep(record).outbox.map(({ messageId }) => messageId[0])).toEqual([1, 3]);
});

it('keeps what was accepted and not written when the record is read again', () => {
  const { desk, record } = deskWith(3);
  const onDisk = { ...start, outbox: record.outbox.slice(0, 1) };

  expect(desk.load(onDisk).outbox.map(({ messageId }) => messageId[0])).toEqual([1, 2, 3]);
  expect(desk.unsettled).toBe(3);
});

it('hands back what was refused for good, and takes it out of the outbox', async () => {
  const { desk, record } = deskWith(2);
  const submissions = await submit(desk, record);
  const tooLarge: PublishAnswer = { kind: 'refused', reason: 'too-large', detail: 'x', currentEpoch: 0n };

  const rejected = desk.answered(submissions, [tooLarge, accepted(1)]);

  expect(rejected.map(({ payload, error }) => [payload[0], error.code])).toEqual([[1, 'message_too_large']]);
  expect(desk.sweep(record).outbox).toEqual([]);
});

const tooFast: PublishAnswer = {
  kind: 'refused',
  reason: 'rate-limited',
  detail: '',
  currentEpoch: 0n,
  retryAfterMs: 5,
};
const payloads = (submissions: readonly Submission[]): string[] =>
  submissions.map(({ payload }) => Buffer.from(payload).toString('hex'));

const passing: PublishAnswer = { kind: 'refused', reason: 'unavailable', detail: '', currentEpoch: 0n };

it.each([
  ['they came too fast', tooFast],
  ['the relay had trouble', passing],
])('submits the same ciphertexts again, in a later round, when %s: receivers count generations', async (_, refusal) => {
  const { desk, record } = deskWith(70);
  const first = await submit(desk, record);
  const second = await submit(desk, record);
  const { round } = desk;
  desk.answered(first, [accepted(1), ...first.slice(1).map(() => refusal)]);
  desk.answered(
    second,
    second.map(() => refusal),
  );
  const again = [...(await submit(desk, record)), ...(await submit(desk, record))];

  expect(desk.round).toBeGreaterThan(round);
  expect(payloads(again).slice(0, 63)).toEqual(payloads([...first.slice(1), ...second]));
  expect(ids(again)).toEqual(Array.from({ length: 64 }, (_, index) => index + 2));
});

it('submits nothing of a later epoch while something is in flight that may come back as stale', async () => {
  const { desk, record } = deskWith(70);
  const first = await submit(desk, record);
  const { next } = await commitChange(engine, record.group, { rotate: true }, 'private', NOW);
  const later = { ...record, group: next };

  expect(desk.canSubmit(record)).toBe(true);
  expect(desk.canSubmit(later)).toBe(false);
  desk.answered(
    first,
    first.map((_, index) => accepted(index + 1)),
  );
  expect(ids(await submit(desk, later))[0]).toBe(33);
});

it('encrypts anew what stands behind a stored message in the ratchet, and all after it', async () => {
  const { desk, record } = deskWith(64);
  const first = await submit(desk, record);
  const second = await submit(desk, record);
  desk.answered(
    first,
    first.map(() => passing),
  );
  desk.answered(second, [passing, accepted(1), ...second.slice(2).map(() => passing)]);
  const again = [...(await submit(desk, record)), ...(await submit(desk, record))];

  expect(ids(again)).toEqual([...ids(first), ...ids(second).filter((id) => id !== 34)]);
  const before = new Set(payloads([...first, ...second]));
  expect(payloads(again).filter((payload) => before.has(payload))).toEqual([]);
});

it('uses no ciphertext from before its record was read again: the ratchet on disk may not know it', async () => {
  const { desk, record } = deskWith(3);
  const first = await submit(desk, record);
  const again = await submit(desk, desk.load(record));

  expect(ids(again)).toEqual(ids(first));
  expect(payloads(again)).not.toEqual(payloads(first));
});

it('keeps the order when the refusal of a later batch is heard first', async () => {
  const { desk, record } = deskWith(96);
  const [first, second, third] = [
    await submit(desk, record),
    await submit(desk, record),
    await submit(desk, record),
  ] as const;
  desk.answered(
    third,
    third.map(() => tooFast),
  );
  desk.answered(first, [...first.slice(0, 30).map((_, index) => accepted(index + 1)), tooFast, tooFast]);
  desk.answered(
    second,
    second.map(() => tooFast),
  );
  const again: Submission[] = [];
  while (desk.canSubmit(record)) {
    const batch = await submit(desk, record);
    again.push(...batch);
    desk.answered(
      batch,
      batch.map((_, index) => accepted(index + 31)),
    );
  }

  expect(ids(again)).toEqual(Array.from({ length: 66 }, (_, index) => index + 31));
});
