import type { Figure } from '../bench.ts';
import type { Launcher } from '../program.ts';
import { median, quantile } from '../statistics.ts';
import type { Address } from './lean-stream.ts';
import type { RoundTripCalls } from './programs/round-trips.ts';

/** Calls in a row, of one kind and then of the other. */
const CALLS = 300;

/** How long a commit takes, from the client's hand to the answer that it is stored, beside a unary call of gRPC. */
export async function measureCommits(
  launcher: Launcher,
  at: { readonly relay: Address; readonly bare: Address },
  rounds: number,
  say: (line: string) => void,
): Promise<readonly Figure[]> {
  const client = launcher.start<RoundTripCalls>('round-trips', 'commits');
  await client.call('open', { ...at, channel: 'bench/relay/commits' });
  await client.call('commits', CALLS);
  await client.call('echoes', CALLS);
  const results: { readonly commit: Float64Array; readonly unary: Float64Array }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    results.push({ unary: await client.call('echoes', CALLS), commit: await client.call('commits', CALLS) });
  }
  await client.stop();
  const p = (q: number, kind: 'commit' | 'unary'): number =>
    median(results.map((result) => quantile([...result[kind]], q)));
  const ratio = median(results.map(({ commit, unary }) => quantile([...commit], 0.5) / quantile([...unary], 0.5)));
  say(`commit p50 ${p(0.5, 'commit').toFixed(2)} ms, unary call p50 ${p(0.5, 'unary').toFixed(2)} ms`);
  return [
    { name: 'commit round trip p50', value: p(0.5, 'commit'), unit: 'ms' },
    { name: 'commit round trip p99', value: p(0.99, 'commit'), unit: 'ms' },
    { name: 'unary call of gRPC p50', value: p(0.5, 'unary'), unit: 'ms' },
    { name: 'commit round trip p50 / unary call p50', value: ratio, unit: '', goal: '<=3' },
  ];
}
