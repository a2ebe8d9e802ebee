import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { filter, firstValueFrom, timeout } from 'rxjs';
import { type Channel, SkytaleClient } from '../../src/index.ts';
import { nowMs, readStamp, stampedPayload } from '../e2e/payload.ts';
import { MortalRelay } from './mortal-relay.ts';

export interface SoakOptions {
  /** The relay's program. */
  readonly relayFile: string;
  readonly durationMs: number;
  readonly killEveryMs: number;
  readonly perSecond: number;
  readonly say: (line: string) => void;
}

export interface SoakResult {
  readonly kills: number;
  readonly sent: number;
  /** Of each kill: from the moment that the relay served again to the moment that all channels were live. */
  readonly backToLiveMs: readonly number[];
  /** Of each kill: how long the relay was away. */
  readonly awayMs: readonly number[];
  readonly lost: number;
  readonly duplicates: number;
  readonly outOfOrder: number;
  /** Channels whose streams had ended or whose status was another than `live` at the end. */
  readonly stopped: number;
  readonly faults: Readonly<Record<string, number>>;
}

const CHANNEL = 'bench/soak/stream';
/** How long all of it may take to come to rest in the end. */
const PATIENCE_MS = 60_000;
/** How long all are live before the next kill. */
const UP_AT_LEAST_MS = 1_500;

/** Kills the relay again and again while members talk, and counts what they make of it. */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const directory = await mkdtemp(join(tmpdir(), 'skytale-soak-'));
  const relay = new MortalRelay(options.relayFile, join(directory, 'relay'));
  const clients: SkytaleClient[] = [];
  try {
    await relay.start();
    const agent = (name: string): SkytaleClient => {
      const client = new SkytaleClient(relay.endpoint, join(directory, name), new TextEncoder().encode(name));
      clients.push(client);
      return client;
    };
    const [alice, bob, carol] = [agent('alice'), agent('bob'), agent('carol')];
    const founder = await alice.createChannel(CHANNEL);
    const readers = [];
    for (const client of [bob, carol]) {
      const welcome = await founder.addMember(await client.generateKeyPackage());
      readers.push((await client.joinChannel(CHANNEL, welcome)).channel$);
    }
    return await run(options, relay, founder.channel$, readers);
  } finally {
    await Promise.allSettled(clients.map((client) => client.close()));
    await relay.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

/** What a reader has read. */
class Ledger {
  readonly seen = new Set<number>();
  duplicates = 0;
  outOfOrder = 0;
  isOver = false;
  #last = -1;

  constructor(channel$: Channel, faults: Map<string, number>) {
    channel$.subscribe({
      next: ({ payload }) => this.#take(readStamp(payload).index),
      complete: () => (this.isOver = true),
    });
    channel$.faults$.subscribe(({ kind }) => faults.set(kind, (faults.get(kind) ?? 0) + 1));
  }

  #take(index: number): void {
    if (this.seen.has(index)) this.duplicates += 1;
    else if (index < this.#last) this.outOfOrder += 1;
    this.seen.add(index);
    this.#last = Math.max(this.#last, index);
  }
}

async function run(
  { durationMs, killEveryMs, perSecond, say }: SoakOptions,
  relay: MortalRelay,
  sender: Channel,
  readers: readonly Channel[],
): Promise<SoakResult> {
  const faults = new Map<string, number>();
  const ledgers = readers.map((channel$) => new Ledger(channel$, faults));
  const channels = [sender, ...readers];
  await Promise.all(channels.map((channel$) => isLive(channel$)));
  let isTalking = true;
  let sent = 0;
  const receipts: Promise<unknown>[] = [];
  const talk = async (): Promise<void> => {
    const startedAtMs = nowMs();
    while (isTalking) {
      const aheadMs = startedAtMs + (sent * 1000) / perSecond - nowMs();
      if (aheadMs > 0) await sleep(aheadMs);
      receipts.push(sender.send(stampedPayload({ index: sent, sentAtMs: nowMs() })));
      sent += 1;
    }
  };
  const talking = talk();
  const backToLiveMs: number[] = [];
  const awayMs: number[] = [];
  let killedAtMs = nowMs();
  for (const endAtMs = nowMs() + durationMs; nowMs() < endAtMs; ) {
    // On a machine that is busy, a relay that is killed as soon as it is reached would be measured for what it is not.
    await sleep(Math.max(UP_AT_LEAST_MS, killedAtMs + killEveryMs - nowMs()));
    // Somebody that has not noticed yet is not back.
    const lost = Promise.all(channels.map((channel$) => isLost(channel$)));
    await relay.kill();
    killedAtMs = nowMs();
    await relay.start();
    const backAtMs = nowMs();
    awayMs.push(backAtMs - killedAtMs);
    await lost;
    await Promise.all(channels.map((channel$) => isLive(channel$)));
    backToLiveMs.push(Math.max(0, nowMs() - backAtMs));
    if (backToLiveMs.length % 10 === 0) say(`${backToLiveMs.length} kills, ${sent} messages sent`);
  }
  isTalking = false;
  await talking;
  await Promise.all(receipts);
  const endAtMs = nowMs() + PATIENCE_MS;
  while (ledgers.some(({ seen }) => seen.size < sent) && nowMs() < endAtMs) await sleep(20);
  return {
    kills: backToLiveMs.length,
    sent,
    backToLiveMs,
    awayMs,
    lost: sum(ledgers.map(({ seen }) => sent - seen.size)),
    duplicates: sum(ledgers.map(({ duplicates }) => duplicates)),
    outOfOrder: sum(ledgers.map(({ outOfOrder }) => outOfOrder)),
    stopped:
      ledgers.filter(({ isOver }) => isOver).length + channels.filter(({ status$ }) => status$.value !== 'live').length,
    faults: Object.fromEntries(faults),
  };
}

async function isLive({ status$ }: Channel): Promise<void> {
  await firstValueFrom(
    status$.pipe(
      filter((status) => status === 'live'),
      timeout(PATIENCE_MS),
    ),
  );
}

async function isLost({ status$ }: Channel): Promise<void> {
  await firstValueFrom(
    status$.pipe(
      filter((status) => status !== 'live'),
      timeout(PATIENCE_MS),
    ),
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
