import { Command } from 'commander';
import { join } from 'node:path';
import { type ClientChannel, SkytaleClient } from '../../client/index.ts';
import type { CliContext } from '../context.ts';
import { explain, jsonOption, wholeNumber } from '../options.ts';
import { inTemporaryDirectory } from '../servers/temporary.ts';
import { untilAborted } from '../until-aborted.ts';

interface Flags {
  readonly messages: number;
  readonly bytes: number;
  readonly samples: number;
  readonly relay?: string;
  readonly json: boolean;
}

const CHANNEL = 'acme/bench/pipe';

/** `skytale bench`. */
export function benchCommand(context: CliContext): Command {
  const command = jsonOption(
    new Command('bench').description('measure sending and receiving between two agents in this process'),
  )
    .option('--messages <number>', 'messages of one burst', wholeNumber(1, 1_000_000), 5_000)
    .option('--bytes <number>', 'size of a payload', wholeNumber(1, 200_000), 1_024)
    .option('--samples <number>', 'messages sent one by one, for the latency', wholeNumber(1, 100_000), 200)
    .option('--relay <url>', 'an open relay to measure; without it one in this process, on its disk')
    .action((flags: Flags) =>
      inTemporaryDirectory((directory) => untilAborted(context.terminal.signal, bench(context, directory, flags))),
    );
  return explain(command, {
    examples: ['skytale bench', 'skytale bench --messages 20000 --bytes 256 --json'],
    notes:
      'From the send of one agent to the handler of the other: encrypted, stored by the relay on disk, decrypted, acknowledged.\n' +
      'All of it shares the cores of this machine, so servers in earnest are faster.',
  });
}

async function bench(context: CliContext, directory: string, flags: Flags): Promise<void> {
  const { terminal } = context;
  const { startRelay } = await import('../../relay/index.ts');
  const own = flags.relay === undefined ? await startRelay({ dataDir: join(directory, 'relay'), port: 0 }) : undefined;
  const endpoint = flags.relay ?? own?.endpoint ?? '';
  const agent = (name: string): SkytaleClient =>
    new SkytaleClient(endpoint, join(directory, name), new TextEncoder().encode(name));
  const [alice, bob] = [agent('alice'), agent('bob')];
  try {
    const name = `${CHANNEL}-${Buffer.from(directory.slice(-6)).toString('hex')}`;
    const atAlice = await alice.createChannel(name);
    const atBob = await bob.joinChannel(name, await atAlice.addMember(await bob.generateKeyPackage()));
    const latencies = await measureLatency(context, atAlice, atBob, flags);
    const burst = await measureBurst(context, atAlice, atBob, flags);
    const figures = { messages: flags.messages, bytes: flags.bytes, ...burst, ...latencies };
    const text =
      `${flags.messages} messages of ${flags.bytes} bytes: ${burst.messages_per_second} a second from sender to handler\n` +
      `one by one: median ${latencies.latency_p50_ms} ms, 95 of 100 within ${latencies.latency_p95_ms} ms\n`;
    await terminal.write(flags.json ? `${JSON.stringify(figures)}\n` : text);
  } finally {
    await Promise.allSettled([alice.close(), bob.close()]);
    await own?.close();
  }
}

async function measureBurst(
  { clock }: CliContext,
  from: ClientChannel,
  to: ClientChannel,
  { messages, bytes }: Flags,
): Promise<{ readonly messages_per_second: number }> {
  const payload = new Uint8Array(bytes);
  let handled = 0;
  let finish: () => void = () => undefined;
  const all = new Promise<void>((resolve) => (finish = resolve));
  const consumption = to.channel$.consume(() => {
    handled += 1;
    if (handled === messages) finish();
  });
  const startedAtMs = clock.now();
  const sending = (async (): Promise<void> => {
    // As many as a busy agent has under way, and no more than its mailbox takes.
    for (let sent = 0; sent < messages; sent += WIDTH) {
      await Promise.all(Array.from({ length: Math.min(WIDTH, messages - sent) }, () => from.send(payload)));
    }
  })();
  await Promise.all([sending, all]);
  const elapsedMs = Math.max(1, clock.now() - startedAtMs);
  await consumption.stop();
  return { messages_per_second: Math.round((messages * 1000) / elapsedMs) };
}

const WIDTH = 256;

async function measureLatency(
  { clock }: CliContext,
  from: ClientChannel,
  to: ClientChannel,
  { samples, bytes }: Flags,
): Promise<{ readonly latency_p50_ms: number; readonly latency_p95_ms: number }> {
  const payload = new Uint8Array(bytes);
  const taken: number[] = [];
  let arrived: () => void = () => undefined;
  const consumption = to.channel$.consume(() => arrived());
  for (let index = 0; index < samples; index += 1) {
    const arrival = new Promise<void>((resolve) => (arrived = resolve));
    const startedAtMs = clock.now();
    await Promise.all([from.send(payload), arrival]);
    taken.push(clock.now() - startedAtMs);
  }
  await consumption.stop();
  taken.sort((a, b) => a - b);
  const quantile = (part: number): number => taken[Math.min(taken.length - 1, Math.floor(taken.length * part))] ?? 0;
  return { latency_p50_ms: quantile(0.5), latency_p95_ms: quantile(0.95) };
}
