import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { toHex } from '../../src/base/bytes.ts';
import { DEFAULT_LIMITS } from '../../src/relay/limits.ts';
import type { LogEntry } from '../../src/transport/index.ts';
import { RawClient } from './support/raw-client.ts';
import { startTestRelay } from './support/relay.ts';
import { messages } from './support/submissions.ts';

const KIB = 1024;
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const BATCHES = 40;
const BATCH = 64;
const TOTAL = BATCHES * BATCH;

describe('a subscriber that does not read', () => {
  test('holds up neither another subscriber nor the publisher, and the relay keeps no more than its limits', async () => {
    const maxRecentBytes = 1024 * KIB;
    const relay = await startTestRelay({ limits: { maxRecentBytes } });
    const [publisher, fast, slow] = (await Promise.all([1, 2, 3].map(() => RawClient.connect(relay.endpoint)))) as [
      RawClient,
      RawClient,
      RawClient,
    ];
    fast.subscribe(1, { afterSeq: 0 }, 1_000_000);
    slow.subscribe(1, { afterSeq: 0 }, 1_000_000);
    await slow.next('caughtUp');
    slow.pause();

    let mostUnread = 0;
    let mostRecent = 0;
    for (let batch = 1; batch <= BATCHES; batch += 1) {
      await publisher.publish(messages(BATCH, 0n, 4 * KIB));
      await fast.entriesUpTo(1, batch * BATCH); // 10 MiB in all, while the other one reads nothing
      const { unreadBytes, recentBytes } = relay.load();
      mostUnread = Math.max(mostUnread, unreadBytes);
      mostRecent = Math.max(mostRecent, recentBytes);
    }
    const stuck = slow.entries(1).length;
    expect(stuck).toBeLessThan(TOTAL / 2);
    expect(mostUnread).toBeGreaterThan(0);
    expect(mostUnread).toBeLessThan(3 * DEFAULT_LIMITS.maxUnreadBytes);
    expect(mostRecent).toBeLessThanOrEqual(maxRecentBytes);

    slow.resume();
    const caught = await slow.entriesUpTo(1, TOTAL);
    const idsOf = (entries: readonly LogEntry[]): string[] => entries.map(({ messageId }) => toHex(messageId));
    expect(idsOf(caught)).toEqual(idsOf(fast.entries(1)));
    caught.forEach(({ seq, prevSeq }, index) => expect([seq, prevSeq]).toEqual([index + 1, index]));
  });

  test('that has many subscriptions behind still costs one page at a time', async () => {
    const relay = await startTestRelay({ limits: { maxRecentBytes: 0 } });
    const publisher = await RawClient.connect(relay.endpoint);
    for (let batch = 0; batch < 8; batch += 1) await publisher.publish(messages(BATCH, 0n, 4 * KIB));
    const slow = await RawClient.connect(relay.endpoint);
    slow.pause();
    for (let subscription = 1; subscription <= 40; subscription += 1)
      slow.subscribe(subscription, { afterSeq: 0 }, 1000);
    while (relay.load().subscriptions < 40) await publisher.publish(messages(1));
    let mostUnread = 0;
    for (let round = 0; round < 50; round += 1) {
      await publisher.publish(messages(1));
      mostUnread = Math.max(mostUnread, relay.load().unreadBytes);
    }
    expect(mostUnread).toBeGreaterThan(0);
    expect(mostUnread).toBeLessThan(3 * DEFAULT_LIMITS.maxUnreadBytes);
    slow.resume();
    await slow.entriesUpTo(40, 8 * BATCH);
    await slow.entriesUpTo(1, 8 * BATCH);
  });
});

test('readers that catch up at once each get what was sent, though their pages take turns in the same buffers', async () => {
  const relay = await startTestRelay({ limits: { maxRecentBytes: 0 } });
  const publisher = await RawClient.connect(relay.endpoint);
  const sent: string[] = [];
  for (let batch = 0; batch < 24; batch += 1) {
    const submissions = messages(BATCH, 0n, batch % 3 === 0 ? 9 * KIB : 200);
    await publisher.publish(submissions);
    sent.push(...submissions.map(({ payload }) => sha256(payload)));
  }
  const readers = await Promise.all(Array.from({ length: 6 }, () => RawClient.connect(relay.endpoint)));
  const places = readers.flatMap((reader, index) => [1, 2].map((number) => ({ reader, number, afterSeq: 7 * index })));
  for (const { reader, number, afterSeq } of places) reader.subscribe(number, { afterSeq }, 1_000_000);
  for (const { reader, number, afterSeq } of places) {
    const entries = await reader.entriesUpTo(number, sent.length - afterSeq);
    expect(entries.map(({ payload }) => sha256(payload))).toEqual(sent.slice(afterSeq));
  }
});

describe('a client that does not read its answers', () => {
  test('is not read from either, and is served when it reads again', async () => {
    const relay = await startTestRelay({ limits: { maxUnreadBytes: 1 * KIB } });
    const flooder = await RawClient.connect(relay.endpoint);
    const honest = await RawClient.connect(relay.endpoint);
    flooder.pause();
    const pings = 10_000;
    for (let nonce = 1; nonce <= pings; nonce += 1) {
      flooder.send({ case: 'ping', value: { nonce: BigInt(nonce) } });
      if (nonce % 2500 === 0) {
        await honest.publish(messages(1));
        expect(relay.load().unreadBytes).toBeLessThan(1300 * KIB);
      }
    }
    flooder.resume();
    while (flooder.frames.length < 1 + pings) await flooder.changed();
    expect(flooder.frames.at(-1)).toMatchObject({ case: 'pong', value: { nonce: BigInt(pings) } });
  }, 60_000);
});
