import { setTimeout as sleep } from 'node:timers/promises';
import type { Figure } from '../bench.ts';
import type { Launcher } from '../program.ts';
import { maxOpenFiles } from '../relay/file-limit.ts';
import type { PublisherCalls } from '../relay/programs/publisher.ts';
import type { SubscribersCalls } from '../relay/programs/subscribers.ts';
import { CHANNEL, Relay } from '../relay/relay-home.ts';
import { median } from '../statistics.ts';

const SUBSCRIBERS = 10_000;
const PER_PROCESS = 2_500;
const OTHER_FILES = 200;
const MESSAGES = 5;

/** How long the relay does nothing else when one message is for a crowd. */
export async function measureCrowd(launcher: Launcher, say: (line: string) => void): Promise<readonly Figure[]> {
  const limit = maxOpenFiles() ?? Number.POSITIVE_INFINITY;
  if (limit < SUBSCRIBERS + OTHER_FILES) {
    say(`left out: 1 → ${SUBSCRIBERS}, because this machine lets a process open ${limit} files`);
    return [];
  }
  const relay = await Relay.open(launcher, 'crowd');
  try {
    const { address, program } = relay;
    const crowd = Array.from({ length: SUBSCRIBERS / PER_PROCESS }, (_, index) =>
      launcher.start<SubscribersCalls>('subscribers', `crowd ${index}`),
    );
    const place = { address, channel: CHANNEL, connections: PER_PROCESS, afterSeq: 0 };
    for (const subscribers of crowd) await subscribers.call('open', place);
    const publisher = launcher.start<PublisherCalls>('publisher', 'crowd');
    await publisher.call('open', { address, stream: { channel: CHANNEL, batch: 1, payloadBytes: 100 } });
    const turns: number[] = [];
    const all: number[] = [];
    for (let message = 0; message < MESSAGES; message += 1) {
      for (const subscribers of crowd) await subscribers.call('expect', PER_PROCESS);
      await sleep(200); // what the last one left behind is not what is measured
      await program.call('longestTurnMs');
      const { startedAtMs } = await publisher.call('saturate', 1);
      const ends = await Promise.all(crowd.map((subscribers) => subscribers.call('arrival')));
      turns.push(await program.call('longestTurnMs'));
      all.push(Math.max(...ends) - startedAtMs);
    }
    say(`one message for ${SUBSCRIBERS}: all have it after ${median(all).toFixed(0)} ms`);
    await publisher.stop();
    for (const subscribers of crowd) await subscribers.stop();
    return [
      { name: `longest turn of the loop, 1 → ${SUBSCRIBERS}`, value: median(turns), unit: 'ms', goal: '<=10' },
      { name: `until the last one has it, 1 → ${SUBSCRIBERS}`, value: median(all), unit: 'ms' },
    ];
  } finally {
    await relay.close();
  }
}
