import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Channel, type ChannelEvent, type SendReceipt, text } from '../../../src/index.ts';
import {
  fromTapeValue,
  MemorySink,
  readTape,
  record,
  replay,
  ReplayDivergedError,
  type Tape,
  toTapeValue,
  World,
} from '../../../src/replay/index.ts';

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

  it('stops where it is told to, and goes on from there', async () => {
    const recorded = await recordBob(async (world, alice) => {
      for (let round = 0; round < 4; round += 1) await world.complete(alice.as(text()).send(`message ${round}`));
    });
    const emissions = recorded.tape.records.filter(({ kind }) => kind === 'emitted');
    const run = await replay(recorded.tape);
    const again: ChannelEvent[] = [];
    run.channel$.events$.subscribe((event) => again.push(event));
    await run.runTo(emissions[1]?.n ?? 0);
    expect(again).toHaveLength(2);
    await run.runUntil(() => again.length === 3);
    expect(again).toHaveLength(3);
    expect(run.clock.elapsedMs).toBeLessThanOrEqual(run.next?.atMs ?? 0);
    await run.play();
    expect(again).toEqual(recorded.shown);
  });

  it('answers what the code under test sends with the recorded receipt, and notices what was not sent then', async () => {
    const receipts: SendReceipt[] = [];
    const recorded = await recordBob(async (world, _, bob) => {
      receipts.push(await world.complete(bob.as(text()).send('one')));
      receipts.push(await world.complete(bob.as(text()).send('two')));
    });
    const faithful = await replay(recorded.tape);
    const sent = Promise.all([faithful.channel$.as(text()).send('one'), faithful.channel$.as(text()).send('two')]);
    await faithful.play();
    expect(await sent).toEqual(receipts);

    const other = await replay(recorded.tape);
    const refused = expect(other.channel$.as(text()).send('something else')).rejects.toBeInstanceOf(
      ReplayDivergedError,
    );
    const diverged = await other.play().catch((error: unknown) => error);
    expect(diverged).toBeInstanceOf(ReplayDivergedError);
    await refused;
    const { divergence } = diverged as ReplayDivergedError;
    expect(recorded.tape.records[divergence.record - 1]?.kind).toBe('send');
    expect(divergence.path.at(-1)?.n).toBe(divergence.record);
  });

  it('reports the first event that is not as it was, with the path that led there', async () => {
    const recorded = await recordBob(async (world, alice) => {
      for (let round = 0; round < 3; round += 1) await world.complete(alice.as(text()).send(`message ${round}`));
    });
    // As if the recording had shown the second message under another number.
    const [, second] = recorded.tape.records.filter(({ kind }) => kind === 'emitted');
    if (second === undefined) throw new Error('there is no second message');
    const value = toTapeValue({ ...(fromTapeValue(second.value) as object), seq: 1_000 });
    const records = recorded.tape.records.map((each) => (each === second ? { ...second, value } : each));
    const diverged = await (await replay({ ...recorded.tape, records })).play().catch((error: unknown) => error);
    const { divergence, code } = diverged as ReplayDivergedError;
    expect(code).toBe('replay_diverged');
    expect(divergence.record).toBe(second.n);
    expect(divergence.expected).toEqual(value);
    expect(divergence.actual).toEqual(second.value);
    expect(divergence.detail).toContain('they differ in seq');
    expect(divergence.path.map(({ n }) => n)).toEqual([...divergence.path.map(({ n }) => n)].sort((a, b) => a - b));
  });

  it('holds no payload and no key outside of its ciphertext, and opens with its key alone', async () => {
    const world = new World({ seed: 1 });
    const alice = world.agent('alice');
    const { channel$ } = await world.complete(alice.client.createChannel(CHANNEL));
    const sink = new MemorySink();
    const recording = await world.complete(record(channel$, sink, { mode: 'wire', key: KEY }));
    await world.complete(channel$.as(text()).send('a secret of the swarm'));
    await world.complete(recording.stop());
    await world[Symbol.asyncDispose]();
    const [header = '', ...lines] = sink.text.trimEnd().split('\n');
    expect(JSON.parse(header)).toMatchObject({ mode: 'wire', version: 1, channel: CHANNEL });
    expect(lines.every((line) => /^[A-Za-z0-9+/=]+$/.test(line))).toBe(true);
    expect(sink.text).not.toContain('secret');
    await expect(readTape({ text: sink.text }, new Uint8Array(32))).rejects.toMatchObject({ code: 'state_key_wrong' });
    await expect(readTape({ text: sink.text })).rejects.toMatchObject({ code: 'state_key_wrong' });
    const swapped = [header, lines[0], lines[2], lines[1], ...lines.slice(3), ''].join('\n');
    await expect(readTape({ text: swapped }, KEY)).rejects.toMatchObject({ code: 'tape_damaged' });
  });

  it('needs a key, and one recording at a time', async () => {
    const world = new World({ seed: 1 });
    const { channel$ } = await world.complete(world.agent('alice').client.createChannel(CHANNEL));
    const bare = record(channel$, new MemorySink(), { mode: 'wire' } as never);
    await expect(bare).rejects.toMatchObject({ code: 'invalid_argument' });
    const recording = await world.complete(record(channel$, new MemorySink()));
    const second = world.complete(record(channel$, new MemorySink()));
    await expect(second).rejects.toMatchObject({ code: 'bad_request' });
    expect(await world.complete(recording.stop())).toBe(recording.records);
    await world.complete(record(channel$, new MemorySink(), { mode: 'wire', key: KEY }));
    await world[Symbol.asyncDispose]();
  });
});
