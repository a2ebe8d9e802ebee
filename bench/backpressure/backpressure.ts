import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bench, BenchOptions, Figure } from '../bench.ts';
import { compile } from '../compile.ts';
import type { RelayCalls } from '../e2e/programs/relay.ts';
import type { SenderCalls } from '../e2e/programs/sender.ts';
import { Launcher } from '../program.ts';
import type { ReaderCalls, SlowMode } from './programs/reader.ts';

const MODES: readonly SlowMode[] = ['consume', 'iterate'];
const CHANNEL = 'bench/backpressure/stream';
const MESSAGES = 1_000_000;
/** Between two looks at the reader. */
const BURST = 20_000;

/**
 * A reader that does not read, while a sender queues messages of 1 KiB at the relay: how much the reader's memory grows. Three
 * processes, real gRPC, real disk.
 */
export const backpressure: Bench = {
  name: 'backpressure',
  summary: '1,000,000 messages queued for a reader that is stuck on one: growth of its memory',
  async run(options) {
    const programs = await compile();
    const figures: Figure[] = [];
    for (const mode of MODES.filter((name) => name.includes(options.only ?? ''))) {
      figures.push(...(await measure(mode, programs, options)));
    }
    return figures;
  },
};

async function measure(mode: SlowMode, programs: string, options: BenchOptions): Promise<readonly Figure[]> {
  const { say, queued = MESSAGES } = options;
  const directory = await mkdtemp(join(tmpdir(), 'skytale-bench-'));
  const shared = new Launcher(join(programs, 'e2e/programs'));
  const own = new Launcher(join(programs, 'backpressure/programs'));
  try {
    const relay = shared.start<RelayCalls>('relay', mode);
    const sender = shared.start<SenderCalls>('sender', mode);
    const reader = own.start<ReaderCalls>('reader', mode);
    const endpoint = await relay.call('open', { dataDir: join(directory, 'relay') });
    await sender.call('open', { endpoint, dataDir: join(directory, 'sender'), name: CHANNEL });
    const keyPackage = await reader.call('open', { endpoint, dataDir: join(directory, 'reader') });
    const welcome = await sender.call('add', [keyPackage]);
    await reader.call('join', { name: CHANNEL, welcome, mode });
    const before = await reader.memory();
    let most = 0;
    for (let sent = 0; sent < queued; ) {
      const burst = Math.min(BURST, queued - sent);
      await sender.call('saturate', burst);
      sent += burst;
      const now = await reader.memory();
      most = Math.max(most, now.heapBytes + now.externalBytes - before.heapBytes - before.externalBytes);
      if (sent % (BURST * 5) === 0)
        say(`${mode}: ${sent} messages queued, memory at most ${mebibytes(most).toFixed(2)} MiB more`);
    }
    const { seq, slow } = await reader.call('progress');
    if (slow !== 1) throw new Error(`the reader was told ${slow} times that it is slow`);
    const name = `${mode}, ${queued} messages queued`;
    return [
      { name: `growth of heap and buffers, ${name}`, value: mebibytes(most), unit: 'MiB', goal: '<=20' },
      { name: `entries that the reader was sent, ${name}`, value: seq, unit: '' },
    ];
  } finally {
    await own.stop();
    await shared.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

function mebibytes(bytes: number): number {
  return bytes / 1024 / 1024;
}
