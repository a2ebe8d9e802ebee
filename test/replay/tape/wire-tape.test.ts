import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Channel, type ChannelEvent, text } from '../../../src/index.ts';
import { MemorySink, readTape, record, replay, type Tape, World } from '../../../src/replay/index.ts';

const CHANNEL = 'acme/research/summarizer';
const KEY = new Uint8Array(randomBytes(32));

interface Recorded {
  readonly tape: Tape;
  /** What the recorded channel has shown. */
  readonly shown: readonly ChannelEvent[];
}

/** Alice founds, bob and carol join and talk; bob is recorded while `life` goes on. */
async function recordBob(
  life: (world: World, alice: Channel, bob: Channel) => Promise<void>,
  plan?: string,
): Promise<Recorded> {
  const world = new World({ seed: 5, ...(plan && { plan }) });
  const [alice, bob] = [world.agent('alice'), world.agent('bob')];
  const founded = await world.complete(alice.client.createChannel(CHANNEL));
  const welcome = await world.complete(bob.client.generateKeyPackage().then((keys) => founded.addMember(keys)));
  const joined = await world.complete(bob.client.joinChannel(CHANNEL, welcome));
  joined.channel$.connect();
  await world.until(() => joined.channel$.status$.value === 'live');
  const sink = new MemorySink();
  const recording = await world.complete(record(joined.channel$, sink, { mode: 'wire', key: KEY }));
  const shown: ChannelEvent[] = [];
  joined.channel$.events$.subscribe((event) => shown.push(event));
  world.arm();
  await life(world, founded.channel$, joined.channel$);
  await world.run(3_000);
  await world.complete(recording.stop());
  await world[Symbol.asyncDispose]();
  return { tape: await readTape({ text: sink.text }, KEY), shown };
}

async function playAgain({ tape, shown }: Recorded): Promise<void> {
  const run = await replay(tape);
  const again: ChannelEvent[] = [];
  run.channel$.events$.subscribe((event) => again.push(event));
  const result = await run.play();
  expect(result.matched).toBe(shown.length);
  expect(again).toEqual(shown);
}

describe('a wire tape', () => {
  it('shows the same messages again, in the same order, with the same times', async () => {
    const recorded = await recordBob(async (world, alice) => {
      for (let round = 0; round < 5; round += 1) {
        await world.complete(alice.as(text()).send(`message ${round}`));
        await world.run(100);
      }
    });
    expect(recorded.shown.filter(({ kind }) => kind === 'message')).toHaveLength(5);
    await playAgain(recorded);
  });

  it('goes through own commits, commits of others and own messages', async () => {
    const recorded = await recordBob(async (world, alice, bob) => {
      await world.complete(bob.as(text()).send('from bob'));
      await world.complete(bob.commit({ rotate: true }));
      await world.complete(alice.commit({ rotate: true }));
      await world.complete(alice.as(text()).send('from alice'));
      await world.complete(Promise.all([bob.commit({ rotate: true }), alice.commit({ rotate: true })]));
      await world.complete(alice.as(text()).send('the end'));
    });
    expect(recorded.shown.map(({ kind }) => kind)).toEqual([
      'epoch-change',
      'epoch-change',
      'message',
      'epoch-change',
      'epoch-change',
      'message',
    ]);
    await playAgain(recorded);
  });
});
