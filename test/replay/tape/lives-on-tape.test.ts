import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { MemorySink, parseFaultPlan, readTape, record, replay, simulateLife } from '../../../src/replay/index.ts';

const KEY = new Uint8Array(randomBytes(32));
/** More of them with TAPED_SEEDS. */
const SEEDS = Number(process.env['TAPED_SEEDS'] ?? 12);

/** Every fourth life: a process and an actor that start over, whatever chance has in store for the others. */
const RESTARTS = parseFaultPlan(`{
  "version": 1,
  "faults": [
    { "kind": "crash", "agent": "bob", "nth": 6, "forMs": 400 },
    { "kind": "store-fails", "agent": "carol", "nth": 4, "writes": 1, "reason": "full", "when": "before" },
    { "kind": "directory-restored", "agent": "dave", "atMs": 900, "forMs": 200, "ageMs": 500 }
  ]
}`);

describe('lives under random faults, on wire tapes', () => {
  it('are replayed exactly, also those that end in a crash', async () => {
    const found = { tapes: 0, cut: 0, events: 0, restarts: 0 };
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const sinks: { readonly agent: string; readonly sink: MemorySink }[] = [];
      await simulateLife({
        seed,
        agents: 4,
        // No two things happen at the same time, so that nothing that is out of its place looks right.
        readMs: 1,
        ...(seed % 4 === 0 && { plan: RESTARTS }),
        onChannel: (agent, channel) => {
          const sink = new MemorySink();
          sinks.push({ agent, sink });
          // Whoever crashes first never gets an answer.
          void record(channel, sink, { mode: 'wire', key: KEY });
        },
      });
      for (const { agent, sink } of sinks) {
        // An agent may crash before its recording has begun.
        if (sink.text === '') continue;
        const tape = await readTape({ text: sink.text }, KEY);
        const { matched } = await (await replay(tape)).play().catch((cause: unknown) => {
          throw new Error(`seed ${seed}, ${agent}`, { cause });
        });
        found.tapes += 1;
        found.cut += tape.isCut ? 1 : 0;
        found.events += matched;
        found.restarts += tape.records.filter(({ kind }) => kind === 'loaded').length;
      }
    }
    // That these kinds of lives were among them.
    expect(found.tapes).toBeGreaterThanOrEqual(4 * SEEDS);
    expect(found.cut).toBeGreaterThan(0);
    expect(found.restarts).toBeGreaterThan(0);
    expect(found.events).toBeGreaterThan(10 * found.tapes);
  });
});
