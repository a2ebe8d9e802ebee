import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ChannelName } from '../../src/base/channel-name.ts';
import { systemClock } from '../../src/base/clock.ts';
import type { AccountId } from '../../src/relay/access/principal.ts';
import { ByteReader, ByteWriter } from '../../src/relay/engine/nats/byte-codec.ts';
import { IdWindow } from '../../src/relay/engine/nats/id-window.ts';
import { openNatsEngine } from '../../src/relay/engine/nats/index.ts';
import { entrySeq, recordOf } from '../../src/relay/engine/nats/log-record.ts';
import type { AppendRecord, LogRecord, RecordSubmission } from '../../src/relay/engine/nats/log-record.ts';
import { decodeRecord, encodeRecord } from '../../src/relay/engine/nats/record-codec.ts';
import { compareVersions, requireServerVersion } from '../../src/relay/engine/nats/server-version.ts';
import { ShardFold } from '../../src/relay/engine/nats/shard-fold.ts';
import { SubjectNames } from '../../src/relay/engine/nats/subjects.ts';
import { TimeMarks } from '../../src/relay/engine/nats/time-marks.ts';
import { fresh, GROUP } from './support/submissions.ts';

const CHANNELS = ['a/b/c', 'a/b/d', 'x/y/z'] as ChannelName[];
const ACCOUNTS = ['alice', 'bob', 'carol'] as AccountId[];
const STALE_EPOCHS = 2;

const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });
/** Few enough that ids, key packages and epochs meet each other. */
const fewIds = fc.nat(40).map((id) => new Uint8Array(16).fill(id));
const fewRefs = fc.nat(5).map((ref) => new Uint8Array(32).fill(ref));
const channels = fc.constantFrom(...CHANNELS);
const accounts = fc.constantFrom(...ACCOUNTS);

const submissions: fc.Arbitrary<RecordSubmission> = fc.record({
  kind: fc.constantFrom('message', 'commit'),
  epoch: fc.nat(8),
  messageId: fewIds,
  payload: fc.option(bytes(5), { nil: undefined }),
  welcomes: fc.array(
    fc.record({
      keyPackageRefs: fc.array(fewRefs, { minLength: 1, maxLength: 2 }),
      content: fc.oneof(
        bytes(9),
        fc.uniqueArray(fc.nat(1000), { maxLength: 3 }).map((seqs) => seqs.sort((a, b) => a - b)),
      ),
    }),
    { maxLength: 2 },
  ),
});

const appends: fc.Arbitrary<LogRecord> = fc.record({
  kind: fc.constant('append' as const),
  id: bytes(16),
  channel: channels,
  storedAtMs: fc.nat(100_000),
  staleEpochs: fc.constant(STALE_EPOCHS),
  parts: fc.array(
    fc.record({
      group: fc.constantFrom(GROUP, GROUP, GROUP, new Uint8Array(16)),
      account: fc.option(accounts, { nil: undefined }),
      monthStartMs: fc.constantFrom(0, 1000),
      reservedUntilMs: fc.constantFrom(0, 0, 50_000),
      submissions: fc.array(submissions, { maxLength: 4 }),
    }),
    { maxLength: 2 },
  ),
});

const others: fc.Arbitrary<LogRecord> = fc.oneof(
  fc.record({
    kind: fc.constant('claim' as const),
    id: bytes(16),
    channel: channels,
    account: accounts,
    keyPackageRef: fewRefs,
  }),
  fc.record({
    kind: fc.constantFrom('admit' as const, 'expel' as const),
    id: bytes(16),
    channel: channels,
    account: accounts,
  }),
  fc.record({
    kind: fc.constant('trim-channel' as const),
    id: bytes(16),
    channel: channels,
    upToSeq: fc.nat(30 * 256),
  }),
  fc.record({ kind: fc.constant('trim-shard' as const), id: bytes(16), upToRecord: fc.nat(30) }),
);

const records = fc.oneof({ weight: 4, arbitrary: appends }, { weight: 1, arbitrary: others });

/** Applies records from `first` on; what each has done. */
function applyAll(fold: ShardFold, all: readonly LogRecord[], first = 1): unknown[] {
  return all.map((record, index) => {
    const { channel, ...folded } = fold.apply(first + index, 40_000 + 1000 * index, record);
    return { ...folded, channel: channel?.name };
  });
}

describe('a claim', () => {
  test('of a Welcome in whose place one for another channel has come admits to neither, and does not spend the other', () => {
    const [first, second] = CHANNELS as [ChannelName, ChannelName];
    const [alice, bob] = ACCOUNTS as [AccountId, AccountId];
    const keyPackageRef = fresh(32);
    const welcoming = (channel: ChannelName): AppendRecord => ({
      ...{ kind: 'append', id: fresh(16), channel, storedAtMs: 1, staleEpochs: STALE_EPOCHS },
      parts: [
        {
          ...{ group: GROUP, account: alice, monthStartMs: 0, reservedUntilMs: 0 },
          submissions: [
            {
              ...{ kind: 'commit', epoch: 0, messageId: fresh(16), payload: fresh(5) },
              welcomes: [{ keyPackageRefs: [keyPackageRef], content: fresh(9) }],
            },
          ],
        },
      ],
    });
    const claim = (channel: ChannelName): LogRecord => ({
      ...{ kind: 'claim', id: fresh(16), channel, account: bob, keyPackageRef },
    });
    const fold = new ShardFold(100);
    const access = (): unknown[] => [first, second].map((name) => fold.channels.get(name)?.accessOf(bob));
    applyAll(fold, [welcoming(first), welcoming(second), claim(first)]);
    expect(access()).toEqual(['stranger', 'stranger']);
    applyAll(fold, [claim(second)], 4);
    expect(access()).toEqual(['stranger', 'member']);
  });
});

describe('a record of the log', () => {
  test('is read as it was written', () => {
    fc.assert(
      fc.property(records, (record) => {
        expect(plain(decodeRecord(encodeRecord(record)))).toEqual(plain(record));
      }),
    );
  });

  test('that is damaged is refused as such, or is another record', () => {
    fc.assert(
      fc.property(records, fc.nat(), fc.nat(255), fc.nat(), (record, at, value, length) => {
        const damaged = new Uint8Array(encodeRecord(record));
        damaged[at % damaged.length] = value;
        const cut = damaged.subarray(0, damaged.length - (length % 3 === 0 ? length % damaged.length : 0));
        try {
          decodeRecord(cut);
        } catch (error) {
          expect(['store_damaged', 'data_dir_version']).toContain((error as { code: string }).code);
        }
      }),
    );
  });
});

describe('the state of a shard', () => {
  test('is the same for a relay that read all and for one that began with a snapshot, and so is all that follows', () => {
    fc.assert(
      fc.property(fc.array(records, { maxLength: 30 }), fc.array(records, { maxLength: 30 }), (before, after) => {
        const whole = new ShardFold(8);
        applyAll(whole, before);
        const snapshot = whole.encode();
        const later = ShardFold.decode(snapshot, 8);
        expect(later.encode()).toEqual(snapshot);
        const first = before.length + 1;
        expect(applyAll(later, after, first)).toEqual(applyAll(whole, after, first));
        expect(later.encode()).toEqual(whole.encode());
      }),
    );
  });

  test('has one commit for each epoch, entries that name their predecessors, and counts what it stores', () => {
    fc.assert(
      fc.property(fc.array(appends, { maxLength: 40 }), (all) => {
        const fold = new ShardFold(1000);
        const last = new Map<string, number>();
        const epochs = new Map<string, number>();
        const counted = new Map<string, number>();
        const ids = new Set<string>();
        all.forEach((record, index) => {
          const { entries } = fold.apply(index + 1, 0, record);
          const { channel, parts } = record as AppendRecord;
          for (const { seq, prevSeq, submission } of entries) {
            expect(recordOf(seq)).toBe(index + 1);
            expect(prevSeq).toBe(last.get(channel) ?? 0);
            last.set(channel, seq);
            const id = `${channel} ${submission.messageId[0]}`;
            expect(ids.has(id)).toBe(false);
            ids.add(id);
            const epoch = epochs.get(channel) ?? 0;
            if (submission.kind === 'commit') {
              expect(submission.epoch).toBe(epoch);
              epochs.set(channel, epoch + 1);
            } else {
              expect(submission.epoch).toBeLessThanOrEqual(epoch);
              expect(submission.epoch).toBeGreaterThanOrEqual(epoch - STALE_EPOCHS);
              const part = parts.find((one) => one.submissions.includes(submission));
              const key = `${part?.account} ${part?.monthStartMs}`;
              counted.set(key, (counted.get(key) ?? 0) + 1);
            }
          }
        });
        for (const account of ACCOUNTS) {
          for (const month of [0, 1000])
            expect(fold.usage.of(account, month)).toBe(counted.get(`${account} ${month}`) ?? 0);
        }
      }),
    );
  });

  const one = (submission: Partial<RecordSubmission>, reservedUntilMs = 0): AppendRecord => ({
    kind: 'append',
    id: fresh(16),
    channel: 'a/b/c' as ChannelName,
    storedAtMs: 5,
    staleEpochs: STALE_EPOCHS,
    parts: [
      {
        group: GROUP,
        account: 'alice' as AccountId,
        monthStartMs: 0,
        reservedUntilMs,
        submissions: [
          { kind: 'message', epoch: 0, messageId: fresh(16), payload: fresh(3), welcomes: [], ...submission },
        ],
      },
    ],
  });

  test('has no message that came after its place in the quota had expired', () => {
    const fold = new ShardFold(8);
    expect(fold.apply(1, 10_001, one({}, 10_000)).verdicts).toEqual(['expired']);
    expect(fold.channels.size).toBe(0);
    expect(fold.apply(2, 10_000, one({}, 10_000)).entries).toHaveLength(1);
    expect(fold.apply(3, 10_001, one({ kind: 'commit' }, 10_000)).entries).toHaveLength(1);
    expect(fold.usage.of('alice' as AccountId, 0)).toBe(1);
  });

  test('has nothing of what was only to be judged', () => {
    const fold = new ShardFold(8);
    expect(fold.apply(1, 0, one({ payload: undefined })).verdicts).toEqual(['again']);
    const known = one({ kind: 'commit' });
    fold.apply(2, 0, known);
    const { messageId } = known.parts[0]!.submissions[0]!;
    expect(fold.apply(3, 0, one({ kind: 'commit', payload: undefined, messageId })).verdicts).toEqual([
      { kind: 'accepted', seq: entrySeq(2, 0), duplicate: true },
    ]);
    expect(fold.apply(4, 0, one({ kind: 'commit', payload: undefined })).verdicts).toMatchObject([
      { kind: 'refused', reason: 'epoch-decided', currentEpoch: 1n },
    ]);
    expect(fold.channels.get('a/b/c' as ChannelName)?.after(0, 10).seqs).toEqual([entrySeq(2, 0)]);
  });
});

describe('the window of message ids', () => {
  test('knows the newest ones, forgets old ones, and is written down as it is', () => {
    const window = new IdWindow(10);
    const ids = Array.from({ length: 100 }, () => fresh(16));
    ids.forEach((id, index) => window.add(index % 3, id, index + 1));
    const writer = new ByteWriter();
    window.writeTo(writer);
    const copy = IdWindow.readFrom(new ByteReader(writer.finish()), 10);
    for (const candidate of [window, copy]) {
      const known = ids.map((id, index) => candidate.get(index % 3, id));
      expect(known.slice(-10)).toEqual([91, 92, 93, 94, 95, 96, 97, 98, 99, 100]);
      expect(known.slice(0, 80).every((seq) => seq === undefined)).toBe(true);
      expect(candidate.get(1, ids[99]!)).toBeUndefined();
    }
  });
});

describe('time marks', () => {
  test('never say that a record is older than it is, however many there are', () => {
    const marks = new TimeMarks();
    let seed = 7;
    const stamps: number[] = [];
    for (let stampMs = 0; stamps.length < 20_000; ) {
      seed = (seed * 48_271) % 0x7fffffff;
      stampMs += seed % 1500;
      stamps.push(stampMs);
      marks.add(stamps.length, stampMs);
    }
    const newest = { record: stamps.length, stampMs: stamps.at(-1)! };
    for (let timeMs = 0; timeMs < newest.stampMs + 10_000; timeMs += 9973) {
      const cut = marks.lastBefore(timeMs, newest);
      if (cut > 0) expect(stamps[cut - 1]).toBeLessThan(timeMs);
      // And no more than some seconds too young is left.
      const exact = stamps.filter((stampMs) => stampMs < timeMs).length;
      expect(exact - cut).toBeLessThan(64);
    }
    expect(marks.lastBefore(newest.stampMs + 1, newest)).toBe(newest.record);
  });
});

describe('subjects', () => {
  test('hold names of any kind as one token each', () => {
    const names = new SubjectNames('log', 4);
    const channel = 'a-b/c/d-0' as ChannelName;
    expect(names.record(channel, 'commits')).toBe(`log.log.${names.shardOf(channel)}.a-b_c_d-0.c`);
    const subject = names.quota('*.> x' as AccountId, 5);
    expect(subject.split('.')).toHaveLength(4);
    expect(subject).not.toMatch(/[*> ]/);
  });
});

describe('a nats-server that is too old', () => {
  test('is told from one that is new enough', () => {
    for (const version of ['2.10.27', '2.10.30', '2.11.0', '3.0.0', 'v2.15.1']) requireServerVersion(version);
    for (const version of ['2.9.10', '2.10.26', '2.10.27-RC.1', '1.99.99', 'unknown']) {
      expect(() => requireServerVersion(version)).toThrow(version);
    }
    expect(compareVersions('2.10.27', '2.9.99')).toBeGreaterThan(0);
  });

  test('is refused by its version at the door', async () => {
    const info = {
      server_id: 'X',
      server_name: 'X',
      version: '2.9.10',
      proto: 1,
      headers: true,
      max_payload: 1_048_576,
    };
    const server = createServer((socket) => {
      socket.on('error', () => undefined); // the engine hangs up
      socket.write(`INFO ${JSON.stringify(info)}\r\n`);
      socket.on('data', (data) => {
        if (data.includes('PING')) socket.write('PONG\r\n');
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    await expect(openNatsEngine({ servers: `127.0.0.1:${port}`, clock: systemClock })).rejects.toMatchObject({
      code: 'store_error',
      message: expect.stringContaining('nats-server 2.9.10 is too old') as string,
    });
  });

  test('that is not there is an error, not a wait for ever', async () => {
    const options = { servers: '127.0.0.1:1', clock: systemClock, openPatienceMs: 0 };
    await expect(openNatsEngine(options)).rejects.toMatchObject({ code: 'store_error' });
  });
});

/** Views of any kind as plain arrays. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}
