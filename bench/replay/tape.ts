import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchOptions, Figure } from '../bench.ts';
import type { CryptoCalls } from '../e2e/programs/crypto.ts';
import { Network } from '../e2e/network.ts';
import { Launcher, type Program } from '../program.ts';
import { median } from '../statistics.ts';
import type { TapeCalls } from './programs/tape.ts';

const MODES = ['wire', 'plaintext'] as const;
type Mode = (typeof MODES)[number];
const DECRYPT_MS = 1_000;
const WARM_UP_BURSTS = 2;

/** The processes, and where the tapes lie. */
interface Studio {
  readonly network: Network;
  readonly crypto: Program<CryptoCalls>;
  readonly player: Program<TapeCalls>;
  readonly directory: string;
  readonly key: Uint8Array;
}

/** A burst without a recording, and one with a recording of each mode; what is on the tapes is played, beside decryption alone. */
interface Round {
  /** Messages a second that reach the receiver. */
  readonly unrecorded: number;
  readonly recorded: Readonly<Record<Mode, number>>;
  /** Messages a second that are played. */
  readonly played: Readonly<Record<Mode, number>>;
  /** The same, with what it takes to read the tape. */
  readonly readAndPlayed: Readonly<Record<Mode, number>>;
  readonly decrypted: number;
}

/** What tapes cost: recording, on a receiver with a real relay in front of it, and replay. */
export async function measureTapes(programs: string, options: BenchOptions): Promise<readonly Figure[]> {
  const { rounds, messages, say } = options;
  const directory = await mkdtemp(join(tmpdir(), 'skytale-bench-'));
  const swarm = new Launcher(join(programs, 'e2e/programs'), options.cpuProf);
  const players = new Launcher(join(programs, 'replay/programs'), options.cpuProf);
  let network: Network | undefined;
  try {
    network = await Network.start(swarm, 'tape', { members: 2, mode: 'channel$' });
    const crypto = swarm.start<CryptoCalls>('crypto', 'tape');
    await crypto.call('prepare', 2);
    const player = players.start<TapeCalls>('tape', 'tape');
    const studio = { network, crypto, player, directory, key: new Uint8Array(randomBytes(32)) };
    for (let burst = 0; burst < WARM_UP_BURSTS; burst += 1) await takeRound(studio, messages);
    const results: Round[] = [];
    while (results.length < rounds) {
      const round = await takeRound(studio, messages);
      say(describe(round));
      results.push(round);
    }
    return figuresOf(results);
  } finally {
    await players.stop();
    await swarm.stop();
    await network?.clean();
    await rm(directory, { recursive: true, force: true });
  }
}

async function takeRound(studio: Studio, messages: number): Promise<Round> {
  const { network, crypto } = studio;
  const before = await burst(network, messages);
  const wire = await recordAndPlay(studio, 'wire', messages);
  const plaintext = await recordAndPlay(studio, 'plaintext', messages);
  // Before and after: a machine that others use too is not the same from one moment to the next.
  const unrecorded = (before + (await burst(network, messages))) / 2;
  const decrypting = [wire.decrypted, (await crypto.call('decrypt', DECRYPT_MS)).perSecond];
  return {
    unrecorded,
    recorded: { wire: wire.recorded, plaintext: plaintext.recorded },
    played: { wire: wire.played, plaintext: plaintext.played },
    readAndPlayed: { wire: wire.readAndPlayed, plaintext: plaintext.readAndPlayed },
    decrypted: median(decrypting),
  };
}

interface Taken {
  readonly recorded: number;
  readonly played: number;
  readonly readAndPlayed: number;
  readonly decrypted: number;
}

async function recordAndPlay(
  { network, crypto, player, directory, key }: Studio,
  mode: Mode,
  messages: number,
): Promise<Taken> {
  const { receiver } = network.programs;
  const file = join(directory, `${mode}.tape`);
  const keyed = mode === 'wire' ? { key } : {};
  await receiver.call('record', { file, mode, ...keyed });
  const recorded = await burst(network, messages);
  await receiver.call('stopRecording');
  const decrypted = (await crypto.call('decrypt', DECRYPT_MS)).perSecond;
  const playing = await player.call('play', { file, ...keyed });
  if (playing.messages !== messages) throw new Error(`${playing.messages} of ${messages} messages were played`);
  await rm(file);
  return {
    recorded,
    played: (messages * 1000) / playing.playMs,
    readAndPlayed: (messages * 1000) / (playing.playMs + playing.readMs),
    decrypted,
  };
}

async function burst(network: Network, messages: number): Promise<number> {
  return (messages * 1000) / (await network.saturate(messages)).elapsedMs;
}

function figuresOf(rounds: readonly Round[]): readonly Figure[] {
  const middle = (pick: (round: Round) => number): number => median(rounds.map(pick));
  return [
    {
      name: 'tape, plaintext replay',
      value: middle(({ played }) => played.plaintext),
      unit: 'msg/s',
      goal: '>=100000',
    },
    {
      name: 'tape, plaintext replay with reading the file',
      value: middle(({ readAndPlayed }) => readAndPlayed.plaintext),
      unit: 'msg/s',
    },
    {
      name: 'tape, wire replay / decryption alone',
      value: middle(({ played, decrypted }) => played.wire / decrypted),
      unit: '',
      goal: '>=0.7',
    },
    { name: 'tape, wire replay', value: middle(({ played }) => played.wire), unit: 'msg/s' },
    ...MODES.map((mode) => ({
      name: `tape, throughput with a ${mode} recording / without`,
      value: middle(({ recorded, unrecorded }) => recorded[mode] / unrecorded),
      unit: '',
      goal: '>=0.8',
    })),
    { name: 'tape, throughput without a recording', value: middle(({ unrecorded }) => unrecorded), unit: 'msg/s' },
  ];
}

function describe({ unrecorded, recorded, played, decrypted }: Round): string {
  const of = (rate: number): string => rate.toFixed(0);
  return (
    `${of(unrecorded)} msg/s, recorded ${of(recorded.wire)} (wire) and ${of(recorded.plaintext)} (plaintext); ` +
    `played ${of(played.wire)} of ${of(decrypted)} decrypted, and ${of(played.plaintext)} (plaintext)`
  );
}
