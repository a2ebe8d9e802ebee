import assert from 'node:assert/strict';
import { test } from 'node:test';
import { map } from 'rxjs';
import { text } from '../../../../src/index.ts';
import {
  assertEpochs,
  assertFaults,
  assertMarbles,
  assertMessages,
  assertReplays,
  keepPayloads,
  MemorySink,
  readTape,
  record,
  replay,
  type Tape,
  toMarbles,
  watch,
  World,
} from '../../../../src/replay/index.ts';

// What test/replay/assertions/node-test.process.test.ts runs: the same assertions, under the test runner of Node.

const CHANNEL = 'acme/research/summarizer';

async function tapeOfTwo(): Promise<Tape> {
  await using world = new World({ seed: 3 });
  const [alice, bob] = [world.agent('alice'), world.agent('bob')];
  const founded = await world.complete(alice.client.createChannel(CHANNEL));
  const welcome = await world.complete(bob.client.generateKeyPackage().then((keys) => founded.addMember(keys)));
  const { channel$ } = await world.complete(bob.client.joinChannel(CHANNEL, welcome));
  channel$.connect();
  const sink = new MemorySink();
  const recording = await world.complete(record(channel$, sink, { redact: keepPayloads }));
  for (const word of ['one', 'two']) await world.complete(founded.channel$.as(text()).send(word));
  await world.complete(founded.channel$.commit({ rotate: true }));
  await world.run(100);
  await world.complete(recording.stop());
  return await readTape({ text: sink.text });
}

const tape = await tapeOfTwo();

await test('what is seen is as expected', async () => {
  const run = await replay(tape);
  const seen = watch(run.channel$);
  const words$ = run.channel$.as(text()).pipe(map(({ payload }) => payload));
  const marbles = toMarbles(words$, run, { frameMs: 1_000 });
  await run.play();
  assertMessages(seen, ['one', 'two']);
  assertFaults(seen, []);
  assertEpochs(seen, [2]);
  assertMarbles(marbles, '(ab|)', { a: 'one', b: 'two' });
});

await test('an agent that says something else differs from the recording', async () => {
  await assertReplays(tape, (channel$) => channel$.subscribe());
  await assert.rejects(
    assertReplays(tape, (channel$) => channel$.as(text()).next('hello')),
    { code: 'replay_diverged' },
  );
});

await test('a difference is shown', () => {
  assert.throws(() => assertMessages({ messages: [], epochChanges: [], faults: [], statuses: [] }, ['one']), {
    code: 'ERR_ASSERTION',
  });
});
