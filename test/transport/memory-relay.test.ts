import { describe, expect, it } from 'vitest';
import { createMemoryRelay } from '../../src/transport/index.ts';
import { describeAccounts } from './accounts-contract.ts';
import { describeRelayTransport } from './contract.ts';
import { describeNotices } from './notices-contract.ts';
import { Recording } from './support/recording.ts';
import { CHANNEL, GROUP, entriesOf, hasEntries, hasKind, message, namesOf } from './support/submissions.ts';

const MAX_PAYLOAD_BYTES = 4096;

describeRelayTransport('in memory', async ({ isOnline }) => {
  const relay = createMemoryRelay({ isOnline, maxPayloadBytes: MAX_PAYLOAD_BYTES });
  return {
    connect: () => relay.connect(),
    interrupt: async () => relay.interrupt(),
    restore: async () => relay.restore(),
    trim: async (seq) => relay.trim(CHANNEL, seq),
    maxPayloadBytes: MAX_PAYLOAD_BYTES,
    close: async () => undefined,
  };
});

describeAccounts('in memory', async ({ messagesPerMonth, nowMs }) => {
  const relay = createMemoryRelay({ messagesPerMonth, clock: { now: () => nowMs } });
  return {
    connect: (account) => relay.connect(account),
    limitRate: (messages, retryAfterMs) => relay.limitRate(messages, retryAfterMs),
    expel: (account) => relay.expel(CHANNEL, account),
    close: async () => undefined,
  };
});

describeNotices('in memory', async () => {
  const relay = createMemoryRelay();
  return {
    connect: (account) => relay.connect(account),
    announce: (topic) => relay.announce(CHANNEL, topic),
    expel: async (account) => relay.expel(CHANNEL, account),
    close: async () => undefined,
  };
});

describe('memory relay', () => {
  const options = { channel: CHANNEL, group: GROUP, start: { afterSeq: 0 }, credit: 10 };

  it('stores a publish whose answer it loses, so that resending it finds the old number', async () => {
    const relay = createMemoryRelay({ clock: { now: () => 5 } });
    const transport = relay.connect();
    const link = transport.open(options);
    const reader = new Recording(link.events$);
    await reader.until(hasKind('caught-up'));
    relay.loseNextAnswer();
    await expect(link.publish([message('a')])).rejects.toMatchObject({ code: 'connection_lost' });
    await hasEntries(reader, 1);

    expect(namesOf(relay.entries(CHANNEL))).toEqual(['a']);
    expect(relay.entries(CHANNEL)[0]).toMatchObject({ storedAtMs: 5 });
    await expect(link.publish([message('a')])).resolves.toEqual([{ kind: 'accepted', seq: 1, duplicate: true }]);
    expect(reader.events.map(({ kind }) => kind)).toEqual([
      'online',
      'caught-up',
      'offline',
      'online',
      'entries',
      'caught-up',
    ]);
  });

  it('tells several notices of one topic as one, and loses those that wait for a connection that is cut', async () => {
    const relay = createMemoryRelay();
    const reader = new Recording(relay.connect().open(options).events$);
    await reader.until(hasKind('caught-up'));
    for (let count = 0; count < 3; count += 1) {
      relay.announce(CHANNEL, 'join-requests');
      relay.announce(CHANNEL, 'removals');
    }
    await reader.until(hasKind('notice', 2));
    relay.announce(CHANNEL, 'removals');
    relay.interrupt();
    relay.restore();
    await reader.until(hasKind('caught-up', 2));

    expect(reader.events.flatMap((event) => (event.kind === 'notice' ? [event.topic] : []))).toEqual([
      'join-requests',
      'removals',
    ]);
  });

  it('loses a publish that is under way when it is interrupted', async () => {
    const relay = createMemoryRelay();
    const link = relay.connect().open(options);
    await link.publish([message('a')]);
    const lost = link.publish([message('b')]);
    relay.interrupt();

    await expect(lost).rejects.toMatchObject({ code: 'connection_lost' });
    expect(namesOf(relay.entries(CHANNEL))).toEqual(['a']);
  });

  it('keeps what it stores apart from the bytes of its clients', async () => {
    const relay = createMemoryRelay();
    const transport = relay.connect();
    const link = transport.open(options);
    const submission = message('a');
    const publish = link.publish([submission]);
    submission.payload.fill(0);
    await publish;
    const [first, second] = [new Recording(link.events$), new Recording(relay.connect().open(options).events$)];
    await hasEntries(first, 1);
    entriesOf(first)[0]!.payload.fill(0);
    await hasEntries(second, 1);

    expect(Buffer.from(entriesOf(second)[0]!.payload).toString()).toBe('payload of a');
  });

  it('repeats a run exactly', async () => {
    const run = async (): Promise<readonly unknown[]> => {
      const relay = createMemoryRelay({ clock: { now: () => 1 } });
      const [alice, bob] = [relay.connect().open(options), relay.connect().open(options)];
      const reader = new Recording(alice.events$);
      await Promise.allSettled([
        alice.publish([message('a')]),
        bob.publish([message('b')]),
        alice.publish([message('c')]),
      ]);
      relay.interrupt();
      relay.restore();
      await reader.until(hasKind('caught-up', 2));
      await hasEntries(reader, 3);
      return reader.events;
    };

    const first = await run();
    expect(first).toHaveLength((await run()).length);
    expect(await run()).toEqual(first);
  });
});
