import { describe, expect, it } from 'vitest';
import { type Channel, type ChannelEvent, ChannelError, text } from '../../../src/index.ts';
import {
  keepPayloads,
  MemorySink,
  readTape,
  record,
  replay,
  ReplayDivergedError,
  type ReplayOptions,
  type Tape,
  World,
} from '../../../src/replay/index.ts';

/** Alice says one, two, three and four, 100 ms from each other; bob is recorded, and answers the second. */
async function conversation(): Promise<Tape> {
  await using world = new World({ seed: 3 });
  const [alice, bob] = [world.agent('alice'), world.agent('bob')];
  const founded = await world.complete(alice.client.createChannel('acme/research/summarizer'));
  const welcome = await world.complete(bob.client.generateKeyPackage().then((keys) => founded.addMember(keys)));
  const { channel$ } = await world.complete(bob.client.joinChannel('acme/research/summarizer', welcome));
  const sink = new MemorySink();
  const recording = await world.complete(record(channel$, sink, { redact: keepPayloads }));
  channel$.connect();
  await world.until(() => channel$.status$.value === 'live');
  for (const word of ['one', 'two', 'three', 'four']) {
    await world.complete(founded.channel$.as(text()).send(word));
    if (word === 'two') await world.complete(channel$.as(text()).send('answer'));
    await world.run(100);
  }
  await world.complete(recording.stop());
  return await readTape({ text: sink.text });
}

/** What is shown under these faults: words with phase and whether again, faults, statuses. */
async function shownUnder(
  faults: ReplayOptions['faults'],
  use: (channel: Channel) => void = () => undefined,
): Promise<readonly string[]> {
  const run = await replay(tape, { faults: faults ?? [] });
  const shown: string[] = [];
  const word = new TextDecoder();
  const describeEvent = (event: ChannelEvent): string => {
    if (event.kind === 'fault') {
      const { fault } = event;
      return fault.kind === 'gap' ? `gap ${fault.resumesAtSeq - fault.afterSeq - 1}` : fault.kind;
    }
    if (event.kind !== 'message') return event.kind;
    return [word.decode(event.payload), event.phase, ...(event.redelivered ? ['again'] : [])].join(' ');
  };
  run.channel$.events$.subscribe((event) => shown.push(describeEvent(event)));
  run.channel$.subscribe();
  run.channel$.status$.subscribe((status) => shown.push(`(${status})`));
  use(run.channel$);
  await run.play();
  expect(run.faultCounts.map(({ fired }) => fired)).toEqual((faults ?? []).map(() => 1));
  return shown.slice(shown.indexOf('(live)') + 1, -1);
}

const tape = await conversation();

describe('in the replay of a plaintext tape', () => {
  it('nothing goes wrong that is not planned', async () => {
    expect(await shownUnder([])).toEqual(['one live', 'two live', 'three live', 'four live']);
  });

  it('a message is lost, and a gap tells so', async () => {
    const shown = await shownUnder([{ kind: 'drop-message', nth: 2 }]);
    expect(shown).toEqual(['one live', 'gap 1', 'three live', 'four live']);
  });

  it('a message comes again', async () => {
    const shown = await shownUnder([{ kind: 'repeat-message', nth: 3 }]);
    expect(shown).toEqual(['one live', 'two live', 'three live', 'three live again', 'four live']);
  });

  it('a message is late, and nothing overtakes it', async () => {
    const run = await replay(tape, { faults: [{ kind: 'delay-message', nth: 2, ms: 150 }] });
    const times: number[] = [];
    run.channel$.subscribe(() => times.push(run.clock.elapsedMs));
    const onTime = await replay(tape);
    const recorded: number[] = [];
    onTime.channel$.subscribe(() => recorded.push(onTime.clock.elapsedMs));
    await Promise.all([run.play(), onTime.play()]);
    const [one = 0, two = 0, three = 0, four = 0] = recorded;
    expect(times).toEqual([one, two + 150, two + 150, four]);
    expect(two + 150).toBeGreaterThan(three);
  });

  it('the connection is lost, and what came meanwhile is read when it is back', async () => {
    const [, two = 0, three = 0] = tape.records.filter(({ kind }) => kind === 'emitted').map(({ atMs }) => atMs);
    expect(await shownUnder([{ kind: 'offline', nth: 2, forMs: Math.ceil(three - two) }])).toEqual([
      'one live',
      '(offline)',
      '(connecting)',
      '(catching-up)',
      'two replay',
      'three replay',
      '(live)',
      'four live',
    ]);
  });

  it('a fault is shown', async () => {
    const fault = { kind: 'source-error', error: new ChannelError('bad_request', 'as was planned') } as const;
    expect(await shownUnder([{ kind: 'show-fault', nth: 4, fault }])).toEqual([
      'one live',
      'two live',
      'three live',
      'source-error',
      'four live',
    ]);
  });

  it('what is sent is refused', async () => {
    const refused: unknown[] = [];
    const shown = await shownUnder([{ kind: 'refuse-send', nth: 1, reason: 'quota-exceeded' }], (channel) => {
      channel
        .as(text())
        .send('answer')
        .catch((error: unknown) => refused.push(error));
    });
    expect(refused).toMatchObject([{ code: 'quota_exceeded' }]);
    expect(shown).toEqual(['one live', 'two live', 'three live', 'four live']);
  });

  it('what is planned and never happens fails the run', async () => {
    const run = await replay(tape, { faults: [{ kind: 'drop-message', nth: 9 }] });
    await expect(run.play()).rejects.toThrow(ReplayDivergedError);
    await expect(run.play()).rejects.toThrow('drop-message 9 was planned, and never happened');
  });

  it.each([
    [{ kind: 'drop-message', nth: 0 } as const, '`nth`'],
    [{ kind: 'delay-message', nth: 1, ms: -1 } as const, '`ms`'],
    [{ kind: 'explode' as 'drop-message', nth: 1 }, 'explode'],
  ])('a plan that makes no sense is refused: %j', async (fault, named) => {
    await expect(replay(tape, { faults: [fault] })).rejects.toThrow(named);
  });
});

describe('a replay', () => {
  it('ends where it is told to', async () => {
    const fourth = tape.records.findLast(({ kind }) => kind === 'emitted')?.n ?? 0;
    for (const until of [fourth - 1, ({ n }: { readonly n: number }) => n === fourth]) {
      const run = await replay(tape, { until });
      const words: string[] = [];
      run.channel$.as(text()).subscribe(({ payload }) => words.push(payload));
      const { records } = await run.play();
      expect(words).toEqual(['one', 'two', 'three']);
      expect(records).toBe(fourth - 1);
      expect(run.channel$.status$.value).toBe('stopped');
    }
  });

  it('refuses a tape of another mode', async () => {
    await expect(replay(tape, { mode: 'wire' })).rejects.toMatchObject({ code: 'invalid_argument' });
  });
});
