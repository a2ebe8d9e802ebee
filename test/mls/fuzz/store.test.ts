import { NO_PINS, pinMembers } from '../../../src/mls/identity-pins.ts';
import { NO_ADMISSIONS } from '../../../src/mls/invite/admissions.ts';
import { createHash } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { equalBytes } from '../../../src/base/bytes.ts';
import { encryptMessage, encodeGroup } from '../../../src/mls/index.ts';
import { mlsGroupCodec } from '../../../src/mls/store/index.ts';
import type { ChannelRecord, GroupCodec } from '../../../src/mls/store/index.ts';
import { decodeChannel, encodeChannel } from '../../../src/mls/store/channel-encoding.ts';
import { applyDelta, encodeDelta } from '../../../src/mls/store/channel-delta.ts';
import { NO_LINK, openRecord, sealRecord } from '../../../src/mls/store/record-envelope.ts';
import { readingRecord } from '../../../src/mls/store/store-errors.ts';
import { CHANNEL, defined, groupOf, utf8 } from '../agents.ts';
import { damaged, fuzz, outcomeOf, TIMEOUT_MS } from './mutations.ts';

const CODES = ['store_damaged', 'data_dir_version'];
const CHECKSUM_BYTES = 16;
const SAMPLE = 25;

let codec: GroupCodec;
let record: ChannelRecord;
let body: Uint8Array;
let delta: Uint8Array;

beforeAll(async () => {
  const [alice] = await groupOf('alice', 'bob');
  codec = mlsGroupCodec(alice.engine);
  const staged = await alice.stage({ rotate: true });
  const id = new Uint8Array(16).fill(9);
  record = {
    name: CHANNEL,
    group: alice.group,
    idKey: new Uint8Array(32).fill(3),
    cursor: { afterSeq: 7 },
    outbox: [
      { messageId: id, payload: utf8('out') },
      { messageId: id, payload: utf8('out'), header: utf8('beside') },
    ],
    journal: [
      { seq: 6, epoch: 1n, sender: utf8('bob'), payload: utf8('in'), receivedAtMs: 1_800_000_000_000 },
      { seq: 7, epoch: 1n, sender: utf8('bob'), payload: utf8('in'), receivedAtMs: 0, header: utf8('beside') },
    ],
    pendingCommit: {
      messageId: id,
      epoch: staged.epoch,
      commit: staged.commit,
      welcome: staged.welcome,
      welcomeRefs: [],
      next: staged.next,
    },
    commitSpentInEpoch: 1n,
    pins: pinMembers(NO_PINS, [{ leaf: 0, identity: new Uint8Array([1]), signatureKey: new Uint8Array([2]) }]).pins,
    admissions: NO_ADMISSIONS,
  };
  body = encodeChannel(record, codec);
  const { group } = await encryptMessage(alice.engine, alice.group, utf8('more'), utf8(''));
  delta = defined(encodeDelta(record, { ...record, group, cursor: { afterSeq: 8 }, outbox: [], journal: [] }, codec));
});

test('a record with a damaged byte is never taken for one', { timeout: TIMEOUT_MS }, () => {
  const { bytes } = sealRecord({ kind: 'delta', owner: 'channel.1', number: 2, link: NO_LINK, body: delta });
  return fuzz(8_000, damaged(bytes), async (input) => {
    const outcome = await outcomeOf(() => openRecord('key', input, 'delta', 'channel.1'));
    if (outcome.code === undefined) expect(equalBytes(input, bytes)).toBe(true);
    else expect(CODES).toContain(outcome.code);
  });
});

test('nor does one that was damaged before its checksum was made break the reader', { timeout: TIMEOUT_MS }, () => {
  const { bytes } = sealRecord({ kind: 'delta', owner: 'channel.1', number: 2, link: NO_LINK, body: delta });
  return fuzz(6_000, damaged(bytes.subarray(0, -CHECKSUM_BYTES)), async (content) => {
    const checksum = createHash('sha256').update(content).digest().subarray(0, CHECKSUM_BYTES);
    const input = new Uint8Array(Buffer.concat([content, checksum]));
    const { code } = await outcomeOf(() => openRecord('key', input, 'delta', 'channel.1'));
    expect([undefined, ...CODES]).toContain(code);
  });
});

test('the body of a channel is read or named as damaged', { timeout: TIMEOUT_MS }, () =>
  fuzz(4_000, damaged(body), async (input) => {
    const { code } = await outcomeOf(() => readingRecord('key', () => decodeChannel(input, codec)));
    expect([undefined, ...CODES]).toContain(code);
  }),
);

test('a change is applied or named as damaged, and changes nothing in place', { timeout: TIMEOUT_MS }, async () => {
  const group = encodeGroup(record.group);
  await fuzz(6_000, damaged(delta), async (input, index) => {
    const { code } = await outcomeOf(() => readingRecord('key', () => applyDelta(record, input, codec)));
    expect([undefined, ...CODES]).toContain(code);
    if (index % SAMPLE === 0) expect(equalBytes(encodeGroup(record.group), group)).toBe(true);
  });
  expect(equalBytes(encodeChannel(record, codec), body)).toBe(true);
});
