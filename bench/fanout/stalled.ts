import type { Figure } from '../bench.ts';
import type { Launcher } from '../program.ts';
import type { Lane } from '../relay/lane.ts';
import type { SubscribersCalls } from '../relay/programs/subscribers.ts';
import { CHANNEL } from '../relay/relay-home.ts';
import { median } from '../statistics.ts';

/** What one more subscriber costs the others if it does not read, beside one that is not there. */
export async function measureStalled(
  launcher: Launcher,
  lane: Lane,
  rounds: number,
  messages: number,
  say: (line: string) => void,
): Promise<readonly Figure[]> {
  await lane.burst(messages);
  const ratios: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const before = await lane.burst(messages);
    const stalled = launcher.start<SubscribersCalls>('subscribers', 'stalled');
    const place = { address: lane.address, channel: CHANNEL, connections: 1, afterSeq: 0, credit: 2 ** 32 - 1 };
    await stalled.call('expect', Number.MAX_SAFE_INTEGER);
    await stalled.call('open', place);
    await stalled.call('pause');
    const during = await lane.burst(messages);
    await stalled.stop();
    const after = await lane.burst(messages);
    const undisturbed = 2 / (1 / before.perSecond + 1 / after.perSecond);
    ratios.push(during.perSecond / undisturbed);
    say(`beside a stalled subscriber: ${during.perSecond.toFixed(0)} msg/s, without: ${undisturbed.toFixed(0)} msg/s`);
  }
  return [{ name: 'throughput beside a stalled subscriber / without', value: median(ratios), unit: '', goal: '>=0.9' }];
}
