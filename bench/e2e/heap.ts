import type { Figure } from '../bench.ts';
import { fitLine, type Point } from '../statistics.ts';
import { type Network, type Part, PARTS } from './network.ts';

const SAMPLES = 25;

/**
 * How the heap of each process grows over `messages`, in bytes a message.
 *
 * The heap is looked at after a garbage collection and between bursts, when nothing is under way, so that what is
 * measured is what stays.
 */
export async function measureHeap(
  network: Network,
  messages: number,
  say: (line: string) => void,
): Promise<readonly Figure[]> {
  const burst = Math.ceil(messages / SAMPLES);
  const points: Record<Part, Point[]> = { sender: [], relay: [], receiver: [] };
  const external: Record<Part, Point[]> = { sender: [], relay: [], receiver: [] };
  for (let sent = 0; sent <= burst * SAMPLES; sent += burst) {
    if (sent > 0) await network.saturate(burst);
    for (const part of PARTS) {
      const { heapBytes, externalBytes } = await network.programs[part].memory();
      points[part].push({ x: sent, y: heapBytes });
      external[part].push({ x: sent, y: externalBytes });
    }
  }
  return PARTS.map((part) => {
    const { slope, slopeError } = fitLine(points[part]);
    const { slope: externalSlope } = fitLine(external[part]);
    const kibibytes = points[part].map(({ y }) => y / 1024);
    const [first = 0, last = 0] = [kibibytes[0], kibibytes.at(-1)];
    say(
      `heap of the ${part} over ${burst * SAMPLES} messages: ${signed(slope)} ± ${slopeError.toFixed(2)} bytes/msg ` +
        `(95 %), from ${first.toFixed(0)} to ${last.toFixed(0)} KiB, ` +
        `within ${Math.min(...kibibytes).toFixed(0)} to ${Math.max(...kibibytes).toFixed(0)} KiB; ` +
        `buffers outside of it ${signed(externalSlope)} bytes/msg`,
    );
    return { name: `heap slope over ${burst * SAMPLES} messages, ${part}`, value: slope, unit: 'bytes/msg' };
  });
}

function signed(value: number): string {
  return `${value < 0 ? '' : '+'}${value.toFixed(2)}`;
}
