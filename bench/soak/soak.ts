import { join } from 'node:path';
import type { Bench } from '../bench.ts';
import { compile } from '../compile.ts';
import { median, quantile } from '../statistics.ts';
import { soak as run } from './soak-run.ts';

const PER_SECOND = 50;

/** The relay's process is killed every few seconds while one member talks to two others: real gRPC, real disk. */
export const soak: Bench = {
  name: 'soak',
  summary: 'relay killed again and again under load: losses, duplicates, and how long until all are live again',
  async run({ minutes, killEvery, say }) {
    const relayFile = join(await compile(), 'soak/programs/relay.js');
    say(`${minutes} minutes, ${PER_SECOND} messages a second to two readers`);
    const result = await run({
      relayFile,
      durationMs: minutes * 60_000,
      killEveryMs: killEvery * 1000,
      perSecond: PER_SECOND,
      say,
    });
    const { backToLiveMs, awayMs, kills, sent } = result;
    say(
      `${kills} kills, relay away for ${median(awayMs).toFixed(0)} ms (median); faults: ${JSON.stringify(result.faults)}`,
    );
    return [
      { name: 'kills of the relay', value: kills, unit: '' },
      { name: 'messages sent', value: sent, unit: '' },
      { name: 'losses', value: result.lost, unit: '', goal: '<=0' },
      { name: 'duplicates', value: result.duplicates, unit: '', goal: '<=0' },
      { name: 'out of order', value: result.outOfOrder, unit: '', goal: '<=0' },
      { name: 'stopped streams', value: result.stopped, unit: '', goal: '<=0' },
      { name: 'back to live after the relay is back, p50', value: median(backToLiveMs), unit: 'ms' },
      {
        name: 'back to live after the relay is back, p95',
        value: quantile(backToLiveMs, 0.95),
        unit: 'ms',
        goal: '<=2000',
      },
    ];
  },
};
