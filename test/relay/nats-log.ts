import { setTimeout as wait } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import { toHex } from '../../src/base/bytes.ts';
import { systemClock } from '../../src/base/clock.ts';
import type { ChannelName } from '../../src/base/channel-name.ts';
import type { LogEngine, Publisher } from '../../src/relay/engine/log-engine.ts';
import { openNatsEngine } from '../../src/relay/engine/nats/index.ts';
import type { NatsEngineOptions } from '../../src/relay/engine/nats/index.ts';
import type { LogEntry, PublishAnswer, Submission } from '../../src/transport/index.ts';
import { entriesOf } from './support/runs.ts';
import { fresh, GROUP, message } from './support/submissions.ts';

/** A log that no other test uses, on servers that several share. */
export function freshLog(servers: readonly string[], options: Partial<NatsEngineOptions> = {}): NatsEngineOptions {
  return { servers, name: `log-${toHex(fresh(4))}`, shards: 2, replicas: 1, clock: systemClock, ...options };
}

/** An engine that is closed when the test has finished. */
export async function openEngine(options: NatsEngineOptions): Promise<LogEngine> {
  const engine = await openNatsEngine(options);
  onTestFinished(() => engine.close());
  return engine;
}

export async function append(
  engine: LogEngine,
  channel: ChannelName,
  submissions: readonly Submission[],
  by?: Publisher,
): Promise<readonly PublishAnswer[]> {
  const request = { channel, group: GROUP, submissions, ...(by === undefined ? {} : { by }) };
  return (await engine.append(request)).answers;
}

/** A channel from its beginning to where it ends now, page by page; fails if an entry does not name the one before it. */
export async function readChannel(engine: LogEngine, channel: ChannelName): Promise<LogEntry[]> {
  const end = (await engine.state(channel))?.headSeq ?? 0;
  const entries: LogEntry[] = [];
  for (let after = 0; after < end; after = entries.at(-1)!.seq) {
    const page = await engine.read(channel, after, { entries: 500, bytes: 1024 * 1024 });
    expect(page.resumesAtSeq).toBeUndefined();
    for (const entry of entriesOf(page.run)) {
      expect(entry.prevSeq).toBe(entries.at(-1)?.seq ?? 0);
      entries.push(entry);
    }
  }
  return entries;
}

/** Submits a batch of messages again and again, each until it is acknowledged, and remembers what it was told. */
export class Load {
  readonly acknowledged: Map<string, { readonly channel: ChannelName; readonly seq: number }> = new Map();
  /** The longest time without an acknowledgement, ms. */
  longestSilenceMs = 0;
  refusals = 0;
  #isEnding = false;
  #lastMs = Date.now();
  readonly #lanes: Promise<void>[];
  /** What each engine has told of, by channel. */
  readonly #told: Map<ChannelName, number[]>[];

  constructor(engines: readonly LogEngine[], channels: readonly ChannelName[], batch = 4) {
    this.#told = engines.map((engine) => {
      const told = new Map(channels.map((channel) => [channel, [] as number[]]));
      engine.appended$.subscribe(({ channel, run }) => told.get(channel)?.push(...run.seqs));
      return told;
    });
    this.#lanes = engines.flatMap((engine) => channels.map((channel) => this.#run(engine, channel, batch)));
  }

  /** Resolves when `count` more were acknowledged. */
  async acknowledges(count: number): Promise<void> {
    const goal = this.acknowledged.size + count;
    while (this.acknowledged.size < goal) await wait(10);
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    await Promise.all(this.#lanes);
  }

  /** Holds what was acknowledged, and what was told as it came, against what engines read; resolves to how many entries there are. */
  async verify(engines: readonly LogEngine[], channels: readonly ChannelName[]): Promise<number> {
    let count = 0;
    for (const channel of channels) {
      const readings = await Promise.all(engines.map((engine) => readChannel(engine, channel)));
      const [first = []] = readings;
      count += first.length;
      for (const reading of readings) expect(seqById(reading)).toEqual(seqById(first));
      for (const told of this.#told) expect(told.get(channel)).toEqual(first.map(({ seq }) => seq));
      const stored = new Map(seqById(first));
      expect(stored.size).toBe(first.length);
      for (const [id, told] of this.acknowledged) if (told.channel === channel) expect(stored.get(id)).toBe(told.seq);
    }
    return count;
  }

  async #run(engine: LogEngine, channel: ChannelName, batch: number): Promise<void> {
    let open: Submission[] = [];
    while (!this.#isEnding || open.length > 0) {
      if (open.length === 0) open = Array.from({ length: batch }, () => message(0n, fresh(200)));
      const answers = await append(engine, channel, open);
      answers.forEach((answer, index) => this.#note(channel, open[index]!, answer));
      open = open.filter((_, index) => answers[index]?.kind !== 'accepted');
      if (open.length > 0) await wait(20);
    }
  }

  #note(channel: ChannelName, { messageId }: Submission, answer: PublishAnswer): void {
    if (answer.kind === 'refused') {
      expect(answer.reason).toBe('unavailable');
      this.refusals += 1;
      return;
    }
    this.longestSilenceMs = Math.max(this.longestSilenceMs, Date.now() - this.#lastMs);
    this.#lastMs = Date.now();
    this.acknowledged.set(toHex(messageId), { channel, seq: answer.seq });
  }
}

function seqById(entries: readonly LogEntry[]): [string, number][] {
  return entries.map(({ messageId, seq }) => [toHex(messageId), seq]);
}
