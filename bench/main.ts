/** `npm run bench -- NAME [--json] [options]`: runs one benchmark, or lists them. */
import { Command, InvalidArgumentError } from 'commander';
import type { Bench } from './bench.ts';
import { actors } from './actors/actors.ts';
import { backpressure } from './backpressure/backpressure.ts';
import { catchup } from './catchup/catchup.ts';
import { distance } from './distance/distance.ts';
import { e2e } from './e2e/e2e.ts';
import { fanout } from './fanout/fanout.ts';
import { join } from './join/join.ts';
import { killpoints } from './killpoints/killpoints.ts';
import { mls } from './mls/mls.ts';
import { relay } from './relay/relay.ts';
import { replay } from './replay/replay.ts';
import { revoke } from './revoke/revoke.ts';
import { soak } from './soak/soak.ts';
import { formatFigures, toJson } from './report.ts';

const benches: readonly Bench[] = [
  e2e,
  actors,
  mls,
  relay,
  fanout,
  catchup,
  distance,
  backpressure,
  soak,
  join,
  revoke,
  replay,
  killpoints,
];

interface Flags {
  readonly rounds: number;
  readonly messages: number;
  readonly heap: boolean;
  readonly cpuProf?: string;
  readonly only?: string;
  readonly minutes: number;
  readonly killEvery: number;
  readonly queued?: number;
  readonly json: boolean;
}

function count(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('Expected a whole number of at least 1.');
}

const program = new Command('bench').description('Measures skytale-rx on this machine.').action(() => {
  for (const { name, summary } of benches) console.log(`${name.padEnd(10)} ${summary}`);
});

for (const bench of benches) {
  program
    .command(bench.name)
    .description(bench.summary)
    .option('--rounds <number>', 'repetitions of each measurement; medians are reported', count, 3)
    .option('--messages <number>', 'messages of one burst', count, 8_000)
    .option('--heap', 'watch memory over 200,000 messages instead of a sample', false)
    .option('--cpu-prof <directory>', 'write CPU profiles of each process; slows everything down')
    .option('--only <text>', 'only scenarios whose name contains this')
    .option('--minutes <number>', 'how long a soak takes', count, 10)
    .option('--kill-every <seconds>', 'how often a soak kills the relay', count, 5)
    .option('--queued <number>', 'messages that are queued for a reader that is stuck', count)
    .option('--json', 'print the figures as JSON, on the last line', false)
    .action(async ({ json, ...flags }: Flags) => {
      const figures = await bench.run({ ...flags, say: (line) => console.log(line) });
      console.log(`\n${formatFigures(figures)}`);
      if (json) console.log(toJson(bench.name, figures));
    });
}

await program.parseAsync();
