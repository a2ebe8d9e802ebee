import { expect, onTestFinished, test } from 'vitest';
import { Program } from '../../bench/program.ts';
import type { Calls } from '../../bench/program-protocol.ts';
import type { PublisherCalls } from '../../bench/relay/programs/publisher.ts';
import type { RelayCalls } from '../../bench/relay/programs/relay.ts';
import type { SubscribersCalls } from '../../bench/relay/programs/subscribers.ts';
import { compiled } from '../support/compiled.ts';
import { temporaryDirectory } from './support/temp-dir.ts';

const MIB = 1024 * 1024;
const MESSAGES = 1_000_000;
const PARTS = 4;
const PAYLOAD_BYTES = 16;
/** Read beside it to the end. */
const OTHERS = 4;
/** Read beside it and those at first: a million messages for each of fifty would take a minute. */
const CROWD = 45;
const FOR_THE_CROWD = 100_000;
const CHANNEL = 'test/flow/stream';
const ALL_CREDIT = 2 ** 32 - 1;

function start<T extends Calls<T>>(name: string): Program<T> {
  const program = new Program<T>(compiled(`bench/relay/programs/${name}.ts`));
  onTestFinished(() => program.stop());
  return program;
}

/** What the relay's process holds after a garbage collection, buffers included. */
async function heldBytes(relay: Program<RelayCalls>): Promise<number> {
  const { heapBytes, externalBytes } = await relay.memory();
  return heapBytes + externalBytes;
}

test('a subscriber that stalls in front of a million messages costs the relay nothing, and the other 49 nothing either', async () => {
  const relay = start<RelayCalls>('relay');
  const address = { peer: 'relay', target: await relay.call('open', { dataDir: await temporaryDirectory() }) } as const;
  const place = { address, channel: CHANNEL, afterSeq: 0 };
  const [stalled, others, crowd] = [0, 1, 2].map(() => start<SubscribersCalls>('subscribers')) as [
    Program<SubscribersCalls>,
    Program<SubscribersCalls>,
    Program<SubscribersCalls>,
  ];
  const publisher = start<PublisherCalls>('publisher');
  await stalled.call('expect', MESSAGES);
  await stalled.call('open', { ...place, connections: 1, credit: ALL_CREDIT });
  await stalled.call('pause');
  await others.call('open', { ...place, connections: OTHERS });
  await crowd.call('open', { ...place, connections: CROWD });
  await publisher.call('open', { address, stream: { channel: CHANNEL, batch: 125, payloadBytes: PAYLOAD_BYTES } });
  const before = await heldBytes(relay);
  const publish = async (messages: number, ...more: readonly Promise<unknown>[]): Promise<void> => {
    await others.call('expect', OTHERS * messages);
    // The readers end their process when an entry does not follow the one before it.
    await Promise.all([publisher.call('saturate', messages), others.call('arrival'), ...more]);
    expect((await heldBytes(relay)) - before).toBeLessThan(50 * MIB);
    const { unreadBytes } = await relay.call('load');
    expect(unreadBytes).toBeGreaterThan(0);
    expect(unreadBytes).toBeLessThan(MIB);
  };

  await crowd.call('expect', CROWD * FOR_THE_CROWD);
  // Until all of the crowd have read, the bytes that they have not taken are among those that are counted.
  await publish(FOR_THE_CROWD, crowd.call('arrival'));
  await crowd.stop();
  for (let part = 0; part < PARTS; part += 1) await publish((MESSAGES - FOR_THE_CROWD) / PARTS);

  await stalled.call('resume');
  await stalled.call('arrival');
  expect((await relay.call('load')).unreadBytes).toBe(0);
  expect((await heldBytes(relay)) - before).toBeLessThan(50 * MIB);
});
