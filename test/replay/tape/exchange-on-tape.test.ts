import { concat, firstValueFrom, map, of, take, timer, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type Channel, text } from '../../../src/index.ts';
import {
  keepPayloads,
  MemorySink,
  readTape,
  record,
  replay,
  type Replay,
  type RecordOptions,
  type Tape,
  World,
} from '../../../src/replay/index.ts';
import type { SchedulerLike } from 'rxjs';

const CHANNEL = 'acme/research/summarizer';
const KEY = new Uint8Array(32).fill(7);
const MODES: readonly RecordOptions[] = [{ redact: keepPayloads }, { mode: 'wire', key: KEY }];

/** bob counts, for ever if he is let. */
function countFor(channel$: Channel, scheduler: SchedulerLike): void {
  channel$
    .as(text())
    .respond(({ payload }) =>
      concat(of(0), timer(10, 10, scheduler).pipe(map((n) => n + 1))).pipe(map((count) => `${payload} ${count}`)),
    );
}

/** alice wants three numbers of one kind, then one of another. */
async function askTwice(channel$: Channel): Promise<readonly string[]> {
  const ask = (question: string, count: number): Promise<string[]> =>
    firstValueFrom(
      channel$
        .as(text())
        .request(question, { timeoutMs: 5_000, expect: 'all' })
        .pipe(
          map(({ payload }) => payload),
          take(count),
          toArray(),
        ),
    );
  const three = await ask('apples', 3);
  return [...three, ...(await ask('pears', 1))];
}

/** alice asks bob, and both are recorded. */
async function tapes(options: RecordOptions): Promise<{ readonly alice: Tape; readonly bob: Tape }> {
  await using world = new World({ seed: 3 });
  const [alice, bob] = [world.agent('alice'), world.agent('bob')];
  const founded = await world.complete(alice.client.createChannel(CHANNEL));
  const welcome = await world.complete(bob.client.generateKeyPackage().then((keys) => founded.addMember(keys)));
  const joined = await world.complete(bob.client.joinChannel(CHANNEL, welcome));
  const sinks = [new MemorySink(), new MemorySink()] as const;
  const recordings = await world.complete(
    Promise.all([record(founded.channel$, sinks[0], options), record(joined.channel$, sinks[1], options)]),
  );
  founded.channel$.announce();
  joined.channel$.announce();
  countFor(joined.channel$, world.scheduler);
  expect(await world.complete(askTwice(founded.channel$))).toEqual(['apples 0', 'apples 1', 'apples 2', 'pears 0']);
  await world.run(1_000);
  for (const recording of recordings) await world.complete(recording.stop());
  const read = (sink: MemorySink): Promise<Tape> => readTape({ text: sink.text }, KEY);
  return { alice: await read(sinks[0]), bob: await read(sinks[1]) };
}

describe.each(MODES)('on a tape of %o', (options) => {
  it('who has asked gets the answers of then', async () => {
    const { alice } = await tapes(options);
    const run = await replay(alice);
    run.channel$.announce();
    const answers = askTwice(run.channel$);
    await run.play();
    expect(await answers).toEqual(['apples 0', 'apples 1', 'apples 2', 'pears 0']);
  });

  it('who is asked answers as then, or is told that it does not', async () => {
    const { bob } = await tapes(options);
    const run = await replay(bob);
    countFor(run.channel$, run.scheduler);
    await run.play();

    const other: Replay = await replay(bob);
    other.channel$.as(text()).respond(() => of('nothing', 'nothing', 'nothing'));
    await expect(other.play()).rejects.toMatchObject({ code: 'replay_diverged' });
  });
});

it('presence is shown as it was, whenever those who are tested announce themselves', async () => {
  const { alice } = await tapes({ redact: keepPayloads });
  const run = await replay(alice);
  const present: string[][] = [];
  run.channel$.presence$.subscribe((members) =>
    present.push(members.map(({ member }) => new TextDecoder().decode(member.identity))),
  );
  run.channel$.announce();
  await run.play();
  expect(present).toContainEqual(['bob']);
});
