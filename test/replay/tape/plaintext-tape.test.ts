import { filter, firstValueFrom, map, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type Channel, type ChannelEvent, text } from '../../../src/index.ts';
import {
  keepPayloads,
  MemorySink,
  readTape,
  record,
  type RecordOptions,
  replay,
  ReplayDivergedError,
  type Tape,
  World,
} from '../../../src/replay/index.ts';

const CHANNEL = 'acme/research/summarizer';

/** Alice and bob are in a channel; bob's side of it is recorded while `life` goes on. */
async function recordBob(
  options: RecordOptions,
  life: (world: World, alice: Channel, bob: Channel) => Promise<void>,
): Promise<{ readonly tape: Tape; readonly text: string; readonly shown: readonly ChannelEvent[] }> {
  const world = new World({ seed: 3 });
  const [alice, bob] = [world.agent('alice'), world.agent('bob')];
  const founded = await world.complete(alice.client.createChannel(CHANNEL));
  const welcome = await world.complete(bob.client.generateKeyPackage().then((keys) => founded.addMember(keys)));
  const { channel$ } = await world.complete(bob.client.joinChannel(CHANNEL, welcome));
  const sink = new MemorySink();
  const recording = await world.complete(record(channel$, sink, options));
  const shown: ChannelEvent[] = [];
  channel$.events$.subscribe((event) => shown.push(event));
  await world.until(() => channel$.status$.value === 'live');
  await life(world, founded.channel$, channel$);
  await world.run(1_000);
  await world.complete(recording.stop());
  await world[Symbol.asyncDispose]();
  return { tape: await readTape({ text: sink.text }), text: sink.text, shown };
}

async function talk(world: World, alice: Channel, bob: Channel): Promise<void> {
  await world.complete(alice.as(text()).send('summarize this'));
  await world.complete(bob.as(text()).send('it is short'));
  await world.complete(alice.commit({ rotate: true }));
  await world.complete(alice.as(text()).send('thank you'));
}

describe('a plaintext tape', () => {
  it('shows what was shown, on a channel that code under test cannot tell from a live one', async () => {
    const { tape, shown } = await recordBob({ redact: keepPayloads }, talk);
    const run = await replay(tape);
    const again: ChannelEvent[] = [];
    run.channel$.events$.subscribe((event) => again.push(event));
    const epochs = firstValueFrom(run.channel$.epochChanges$.pipe(toArray()));
    const thanks = firstValueFrom(
      run.channel$.as(text()).pipe(
        map(({ payload }) => payload),
        filter((payload) => payload.startsWith('thank')),
      ),
    );
    await run.play();
    expect(again).toEqual(shown);
    expect(await thanks).toBe('thank you');
    expect(await epochs).toHaveLength(1);
    const last = shown.at(-1);
    expect(run.channel$.state$.value).toMatchObject({
      status: 'stopped',
      epoch: 2n,
      seq: last && 'seq' in last ? last.seq : 0,
    });
  });

  it('hashes payloads unless told otherwise, equal ones to equal hashes', async () => {
    const {
      tape,
      text: written,
      shown,
    } = await recordBob({}, async (world, alice) => {
      for (const word of ['secret', 'other', 'secret']) await world.complete(alice.as(text()).send(word));
    });
    expect(shown.filter(({ kind }) => kind === 'message')).toHaveLength(3);
    for (const form of ['utf8', 'base64', 'hex'] as const) {
      expect(written).not.toContain(Buffer.from('secret').toString(form));
    }
    const run = await replay(tape);
    const payloads: string[] = [];
    run.channel$.subscribe(({ payload }) => payloads.push(Buffer.from(payload).toString('hex')));
    await run.play();
    expect(payloads).toHaveLength(3);
    expect(payloads[0]).toBe(payloads[2]);
    expect(payloads[0]).not.toBe(payloads[1]);
  });

  it('answers a send with the recorded receipt, and refuses one that was not recorded', async () => {
    const { tape } = await recordBob({ redact: keepPayloads }, talk);
    const faithful = await replay(tape);
    const sent = faithful.channel$.as(text()).send('it is short');
    await faithful.play();
    // Behind the commit that took bob in, and what alice said first.
    expect(await sent).toMatchObject({ seq: 3, epoch: 1n });

    const chatty = await replay(tape);
    const refused = expect(chatty.channel$.as(text()).send('it is long')).rejects.toBeInstanceOf(ReplayDivergedError);
    await expect(chatty.play()).rejects.toMatchObject({
      code: 'replay_diverged',
      divergence: { detail: 'another payload was sent than was recorded' },
    });
    await refused;
  });

  it('hands messages to a consumer one after the other', async () => {
    const { tape } = await recordBob({ redact: keepPayloads }, talk);
    const run = await replay(tape);
    const handled: string[] = [];
    run.channel$.consume(({ payload }) => {
      handled.push(new TextDecoder().decode(payload));
    });
    await run.play();
    expect(handled).toEqual(['summarize this', 'thank you']);
  });

  it('keeps for the next consumer what came after one that wanted that, as a live channel does', async () => {
    const { tape } = await recordBob({ redact: keepPayloads }, talk);
    const run = await replay(tape);
    const channel$ = run.channel$.as(text());
    const [shown, handled]: [string[], string[]] = [[], []];
    channel$.subscribe(({ payload }) => shown.push(payload));
    const first = channel$.consume(({ payload }) => void handled.push(payload), { afterwards: 'keep' });
    while (shown.length < 1 && run.next !== undefined) await run.step();
    await first.stop();
    while (shown.length < 2 && run.next !== undefined) await run.step();
    expect(handled).toEqual(['summarize this']);
    channel$.consume(({ payload }) => void handled.push(payload));
    await run.play();
    expect(handled).toEqual(['summarize this', 'thank you']);
  });

  it('ends where the process that recorded ended', async () => {
    const { text: written } = await recordBob({ redact: keepPayloads }, talk);
    const torn = written.slice(0, written.lastIndexOf('"end"') - 3);
    const tape = await readTape({ text: torn });
    expect(tape.isCut).toBe(true);
    expect((await (await replay(tape)).play()).records).toBe(tape.records.length);
    const lines = written.split('\n');
    const holed = [...lines.slice(0, 3), ...lines.slice(4)].join('\n');
    await expect(readTape({ text: holed })).rejects.toMatchObject({ code: 'tape_damaged' });
    const newer = written.replace('"version":1', '"version":2');
    await expect(readTape({ text: newer })).rejects.toMatchObject({ code: 'tape_version' });
    await expect(readTape({ text: 'no tape\n' })).rejects.toMatchObject({ code: 'tape_damaged' });
    await expect(readTape({ text: '' })).rejects.toMatchObject({ code: 'tape_damaged' });
  });
});
