import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { debounceTime, delay } from 'rxjs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Channel } from '../../../src/index.ts';
import { text } from '../../../src/index.ts';
import { MemorySink, readTape, record, replay, type Replay, type Tape, World } from '../../../src/replay/index.ts';

const CHANNEL = 'acme/research/summarizer';
const KEY = new Uint8Array(32).fill(7);
const real = { setTimeout, setInterval };

/** Alice says two things to bob, who is recorded. */
async function tapeOf(mode: 'plaintext' | 'wire'): Promise<Tape> {
  await using world = new World({ seed: 3 });
  const [alice, bob] = [world.agent('alice'), world.agent('bob')];
  const founded = await world.complete(alice.client.createChannel(CHANNEL));
  const welcome = await world.complete(bob.client.generateKeyPackage().then((keys) => founded.addMember(keys)));
  const { channel$ } = await world.complete(bob.client.joinChannel(CHANNEL, welcome));
  channel$.connect();
  const sink = new MemorySink();
  const recording = await world.complete(record(channel$, sink, { mode, key: KEY }));
  for (const word of ['one', 'two']) await world.complete(founded.channel$.as(text()).send(word));
  await world.run(100);
  await world.complete(recording.stop());
  return await readTape({ text: sink.text }, KEY);
}

type Agent = (channel$: Channel, run: Replay) => void;

async function play(tape: Tape, agent: Agent, options: Parameters<typeof replay>[1] = {}): Promise<unknown> {
  const run = await replay(tape, options);
  agent(run.channel$, run);
  return run.play();
}

describe.each(['plaintext', 'wire'] as const)('in the replay of a %s tape', (mode) => {
  let tape: Tape;
  beforeAll(async () => {
    tape = await tapeOf(mode);
  });
  afterEach(() => expect({ setTimeout, setInterval }).toEqual(real));

  it.each<[string, Agent]>([
    ['setTimeout', (channel$) => channel$.subscribe(() => setTimeout(() => undefined, 5))],
    ['setInterval', (channel$) => channel$.subscribe(() => clearInterval(setInterval(() => undefined, 5)))],
    ['an imported timer', (channel$) => channel$.subscribe(() => void sleep(1))],
    ['a timer behind an await', (channel$) => channel$.subscribe(() => void Promise.resolve().then(() => sleep(1)))],
    ['an operator of RxJS', (channel$) => channel$.pipe(debounceTime(5)).subscribe()],
  ])('%s of the code under test fails it, and tells where it was', async (_, agent) => {
    await expect(play(tape, agent)).rejects.toThrow(
      /set(Timeout|Interval) was called, and a replay has no time but that of `run.clock`: at/,
    );
  });

  it('names the line that asked for the timer', async () => {
    const agent: Agent = (channel$) => channel$.subscribe(() => setTimeout(() => undefined, 5));
    await expect(play(tape, agent)).rejects.toThrow('stray-timers.test.ts');
  });

  it('the clock of the replay does not, nor do timers that are allowed', async () => {
    const shown: string[] = [];
    await play(tape, (channel$, run) =>
      channel$.pipe(delay(1, run.scheduler)).subscribe(() => shown.push('by the clock of the replay')),
    );
    await play(tape, (channel$) => channel$.subscribe(() => void setTimeout(() => undefined, 0)), {
      strayTimers: 'allow',
    });
    expect(shown).toHaveLength(2);
  });

  it('what others do meanwhile does not matter, and may wait as ever', async () => {
    let ticks = 0;
    const ticking = setInterval(() => (ticks += 1), 1);
    const others = (async () => {
      for (let turn = 0; turn < 5; turn += 1) await sleep(1);
      await promisify(setTimeout)(1);
    })();
    await play(tape, (channel$) => channel$.subscribe(), { speed: 20 });
    await others;
    clearInterval(ticking);
    expect(ticks).toBeGreaterThan(0);
  });

  it('a test runner may put its own timers in their place meanwhile, and they stay', async () => {
    const run = await replay(tape);
    const own = (() => undefined) as unknown as typeof setTimeout;
    run.channel$.subscribe(() => (globalThis.setTimeout = own));
    await run.play();
    const left = globalThis.setTimeout;
    globalThis.setTimeout = real.setTimeout;
    expect(left).toBe(own);
  });
});
