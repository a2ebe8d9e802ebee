import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { lastValueFrom } from 'rxjs';
import { expect, it } from 'vitest';
import { greet } from '../../examples/approval/greet.ts';
import { workOff } from '../../examples/back-pressure/work-off.ts';
import { carry } from '../../examples/bridge/carry.ts';
import { collectHeadings } from '../../examples/demo/bob.ts';
import { countAndAnswer } from '../../examples/demo/carol.ts';
import { encodeSaid, type Heard, type Said } from '../../examples/demo/chat.ts';
import { echo } from '../../examples/echo/echo.ts';
import { seededRandom } from '../../examples/lib/seeded-random.ts';
import { countCrashes } from '../../examples/map-reduce/crashes.ts';
import { mappers, swarm } from '../../examples/map-reduce/workers.ts';
import { answer, count } from '../../examples/request-reply/responders.ts';
import { type ActorRef, type Channel, createSystem } from '../../src/index.ts';
import {
  assertReplays,
  keptTape,
  matchers,
  playTogether,
  record,
  replay,
  type ReplayMatchers,
  replaySystem,
  type Tape,
  type TapeSink,
} from '../../src/replay/index.ts';
import { Stage } from './example-lives.ts';

declare module 'vitest' {
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type -- as its documentation says
  interface Matchers<T> extends ReplayMatchers<T> {}
}
expect.extend(matchers);

const EXAMPLES = new URL('../../examples/', import.meta.url);

/** The tape of an example. `SKYTALE_TAPES=update` records it anew. */
function tapeOf(name: string, life: (stage: Stage, sink: TapeSink) => Promise<void>): Promise<Tape> {
  return keptTape(fileURLToPath(new URL(name, EXAMPLES)), async (sink) => {
    await using stage = new Stage();
    await life(stage, sink);
  });
}

it('echo says what it said', async () => {
  const tape = await tapeOf('echo/bob.tape', async (stage, sink) => {
    const { alice, bob } = await stage.meet('acme/team/chat', 'alice', 'bob');
    await stage.record(bob, sink);
    echo(bob);
    await stage.say(alice, 'hello', 'is there anybody?');
  });
  await expect(tape).toReplay(echo);
  await expect(tape).not.toReplay((channel$) => {
    echo(channel$);
    echo(channel$);
  });
});

it('bridge carries over what it carried, both ways', async () => {
  const life =
    (side: 'lab' | 'press') =>
    async (stage: Stage, sink: TapeSink): Promise<void> => {
      const lab = await stage.meet('acme/lab/results', 'alice', 'bridge');
      const press = await stage.meet('acme/press/news', 'carol', 'bridge');
      await stage.record(side === 'lab' ? lab.bridge : press.bridge, sink);
      carry(lab.bridge, press.bridge);
      carry(press.bridge, lab.bridge);
      await stage.say(lab.alice, 'one', 'two', 'three');
      await stage.say(press.carol, 'what comes after three?');
    };
  const lab = await replay(await tapeOf('bridge/lab.tape', life('lab')));
  const press = await replay(await tapeOf('bridge/press.tape', life('press')));
  carry(lab.channel$, press.channel$);
  carry(press.channel$, lab.channel$);
  await playTogether(lab, press);
  expect(press.tape.records.filter(({ kind }) => kind === 'send')).toHaveLength(3);
  expect(lab.tape.records.filter(({ kind }) => kind === 'send')).toHaveLength(1);
});

it('request-reply answers as it did, and stops when nobody wants it any more', async () => {
  const carols = await tapeOf('request-reply/carol.tape', async (stage, sink) => {
    const { alice, carol } = await stage.meet('acme/team/questions', 'alice', 'carol');
    await stage.record(carol, sink);
    answer(carol);
    await stage.ask(alice, 'how are you?', 'carol', 1);
  });
  await expect(carols).toReplay(answer);
  const bobs = await tapeOf('request-reply/bob.tape', async (stage, sink) => {
    const { alice, bob } = await stage.meet('acme/team/questions', 'alice', 'bob');
    await stage.record(bob, sink);
    count(bob, () => undefined, stage.world.scheduler);
    await stage.ask(alice, 'count', 'bob', 3);
  });
  const stopped: string[] = [];
  await assertReplays(bobs, (channel$, run) => count(channel$, (question) => stopped.push(question), run.scheduler));
  expect(stopped).toEqual(['count']);
});

it('back-pressure holds the tape until the work begins, and then does all of it in order', async () => {
  const jobs = Array.from({ length: 40 }, (_, index) => `job ${index + 1}`);
  const tape = await tapeOf('back-pressure/bob.tape', async (stage, sink) => {
    const { alice, bob } = await stage.meet('acme/team/jobs', 'alice', 'bob');
    await stage.record(bob, sink);
    await stage.say(alice, ...jobs);
  });
  const done: string[] = [];
  await assertReplays(tape, (channel$, run) => {
    const started = new Promise<void>((resolve) => void run.clock.schedule(1_000, resolve));
    workOff(channel$, started, (job) => done.push(job));
  });
  expect(done).toEqual(jobs);
});

it('approval greets who was let in', async () => {
  const tape = await tapeOf('approval/alice.tape', async (stage, sink) => {
    const { alice } = await stage.meet('acme/team/board', 'alice');
    await stage.record(alice, sink);
    greet(alice);
    const { client } = stage.world.agent('bob');
    const add = [await stage.world.complete(client.generateKeyPackage())];
    await stage.world.complete(alice.commit({ add }));
  });
  await expect(tape).toReplay(greet);
  await expect(tape).not.toReplay((channel$) =>
    channel$.as({ encode: () => new Uint8Array(1), decode: String }).next('x'),
  );
});

it('map-reduce has crashed as often as it has, and nobody was given up', async () => {
  const tape = await keptTape(fileURLToPath(new URL('map-reduce/swarm.tape', EXAMPLES)), async (sink) => {
    const system = createSystem({ random: seededRandom(1), onCrash: () => undefined });
    const recording = await record(system, sink);
    await system.spawn(swarm, { id: 'swarm' }).ready;
    const luck = seededRandom(1);
    type MapJob = Parameters<ActorRef<{ readonly chunk: string }>['tell']>[0];
    for (let job = 0; job < 12; job += 1) {
      const worker = system.registry.get<MapJob>(`${mappers.name}-${job % mappers.size}`);
      await worker
        ?.ask((reply) => ({ luck, reply, chunk: 'words to count' }), { timeoutMs: 5_000 })
        // One on which a worker has failed twice is set aside.
        .catch(() => undefined);
    }
    await system.shutdown();
    await recording.done;
  });
  const run = replaySystem(tape);
  const crashes = lastValueFrom(countCrashes(run.inspect$), { defaultValue: 0 });
  await run.play();
  const recorded = tape.records.filter(({ value }) => (value as { readonly kind?: string } | null)?.kind === 'crashed');
  expect(recorded.length).toBeGreaterThan(3);
  expect(await crashes).toBe(recorded.length);
});

it('the agents of the demo note what they noted, and carol counts as she counted', async () => {
  const lines = ['# Counting', 'one two', 'three', ...Array.from({ length: 8 }, () => 'four words, I think')];
  const life =
    (who: 'bob' | 'carol') =>
    async (stage: Stage, sink: TapeSink): Promise<void> => {
      const ends = await stage.meet('acme/research/summarizer', 'alice', 'bob', 'carol');
      await stage.record(ends[who], sink);
      const answer = async (said: Said): Promise<void> => {
        await ends.carol.send(encodeSaid(said));
      };
      countAndAnswer(ends.carol, { note: () => undefined }, answer);
      for (const [index, line] of lines.entries()) {
        const said: Said = { kind: 'line', number: index + 1, of: lines.length, text: line };
        await stage.world.complete(ends.alice.send(encodeSaid(said)));
        await stage.world.run(50);
      }
    };
  const headings: string[] = [];
  const heard: Heard[] = [];
  await assertReplays(await tapeOf('demo/bob.tape', life('bob')), (channel$) =>
    collectHeadings(channel$, {
      note: (each) => heard.push(each),
      noteHeading: (_, heading) => headings.push(heading),
    }),
  );
  expect(headings).toEqual(['# Counting']);
  expect(heard.map(({ from }) => from)).toEqual([...lines.slice(0, 10).map(() => 'alice'), 'carol', 'alice', 'carol']);
  await assertReplays(await tapeOf('demo/carol.tape', life('carol')), (channel$: Channel) =>
    countAndAnswer(channel$, { note: () => undefined }, async (said) => {
      await channel$.send(encodeSaid(said));
    }),
  );
});

it('every example has a tape, and no tape is of an example that is gone', () => {
  const folders = readdirSync(EXAMPLES, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'lib')
    .map(({ name }) => name);
  for (const folder of folders) {
    const tapes = readdirSync(new URL(folder, EXAMPLES)).filter((file) => file.endsWith('.tape'));
    expect(tapes, folder).not.toEqual([]);
  }
});
