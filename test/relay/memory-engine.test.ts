import { describe, expect, test } from 'vitest';
import { openMemoryEngine } from '../../src/relay/engine/memory/memory-engine.ts';
import { freshChannelName, settableClock } from './engine/suite.ts';
import { TestChannel } from './engine/test-channel.ts';
import { describeLogEngine } from './engine-conformance.ts';
import { message, messages } from './support/submissions.ts';

describeLogEngine('memory', (_place, options) => Promise.resolve(openMemoryEngine(options)), { durability: 'process' });

describe('memory: a full log', () => {
  test('answers unavailable, serves reads, and goes on when retention has made room', async () => {
    const engine = openMemoryEngine({ clock: settableClock(), maxBytes: 10_000 });
    const log = new TestChannel(engine, freshChannelName());
    const seqs = await log.store(...messages(10, 0n, 1000));
    expect(await log.verdicts(message())).toEqual(['unavailable@0']);
    expect(await engine.health()).toMatchObject({ status: 'failing', details: { channels: 1 } });
    expect((await log.read()).run?.seqs).toEqual(seqs);
    await engine.trim(log.channel, seqs[4] as number);
    expect(await engine.health()).toMatchObject({ status: 'ok' });
    expect(await log.verdicts(message())).toEqual(['stored']);
  });
});
