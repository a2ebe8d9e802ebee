import { describe, expect, it } from 'vitest';
import { map } from 'rxjs';
import { createSystem, defineActor, type InspectionEvent } from '../../../src/index.ts';
import { MemorySink, readTape, record, replay, replaySystem, VirtualClock, quiet } from '../../../src/replay/index.ts';

/** A worker that crashes on `bad`, and is started again. */
const worker = defineActor<string, string>((words$) =>
  words$.pipe(
    map((word) => {
      if (word === 'bad') throw new TypeError('the secret word was bad');
      return word.toUpperCase();
    }),
  ),
);

async function recordWorker(
  options: Parameters<typeof record>[2] = {},
): Promise<{ readonly text: string; readonly seen: readonly InspectionEvent[] }> {
  const clock = new VirtualClock();
  const system = createSystem({ clock, onCrash: () => undefined });
  const ref = system.spawn(worker, { id: 'worker' });
  await ref.ready;
  const seen: InspectionEvent[] = [];
  system.inspect$.subscribe((event) => seen.push(event));
  const sink = new MemorySink();
  const recording = await record(system, sink, { ...options, clock });
  ref.out$.subscribe();
  for (const word of ['good', 'bad', 'good']) {
    ref.tell(word);
    await quiet();
    clock.runNext();
    await quiet();
  }
  const end = system.shutdown();
  while (clock.runNext()) await quiet();
  await end;
  await recording.done;
  return { text: sink.text, seen };
}

describe('a tape of a system', () => {
  it('tells again what happened, with its times', async () => {
    const { text, seen } = await recordWorker({ keepErrorTexts: true });
    const run = replaySystem(await readTape({ text }));
    expect(run.actors).toMatchObject([{ path: '/worker', lifecycle: 'running' }]);
    const again: InspectionEvent[] = [];
    const times: number[] = [];
    run.inspect$.subscribe((event) => {
      again.push(event);
      times.push(run.clock.now());
    });
    await run.play();
    expect(again).toEqual(seen);
    expect(times).toEqual(seen.map(({ atMs }) => atMs));
    const crashes = again.filter((event) => event.kind === 'crashed');
    expect(crashes.map(({ path, errorName }) => `${path} ${errorName}`)).toEqual(
      crashes.map(() => '/worker TypeError'),
    );
    expect(crashes.length).toBeGreaterThan(0);
  });

  it('holds no text of an error unless told to, and no message', async () => {
    const { text } = await recordWorker();
    expect(text).toContain('TypeError');
    expect(text).not.toContain('secret');
    expect(text).not.toContain('good');
    expect((await recordWorker({ keepErrorTexts: true })).text).toContain('secret');
  });

  it('stops where it is told to', async () => {
    const { text, seen } = await recordWorker();
    const run = replaySystem(await readTape({ text }));
    const again: InspectionEvent[] = [];
    run.inspect$.subscribe((event) => again.push(event));
    await run.runUntil(({ value }) => (value as { readonly kind?: string } | null)?.kind === 'crashed');
    expect(again.at(-1)?.kind).not.toBe('crashed');
    await run.play();
    expect(again).toHaveLength(seen.length);
  });

  it('is no tape of a channel, and the other way round', async () => {
    const tape = await readTape({ text: (await recordWorker()).text });
    await expect(replay(tape)).rejects.toMatchObject({ code: 'invalid_argument' });
    expect(() => replaySystem({ ...tape, header: { ...tape.header, mode: 'wire' } })).toThrow('of mode wire');
  });
});
