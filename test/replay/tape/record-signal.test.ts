import { randomBytes } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { MemorySink, record } from '../../../src/replay/index.ts';
import { channelOf, Swarm } from '../../support/swarm.ts';

const REASON = new Error('the caller has changed its mind');
const KEY = new Uint8Array(randomBytes(32));

describe('record with a signal', () => {
  it('gives up waiting for a commit to be over, and another recording may wait in its place', async () => {
    await using swarm = await Swarm.create();
    const { alice } = await channelOf(swarm, 'alice', 'bob');
    swarm.relay.interrupt();
    const commit = alice.channel$.commit({ rotate: true });
    const stop = new AbortController();
    const sink = new MemorySink();
    const given = record(alice.channel$, sink, { mode: 'wire', key: KEY, signal: stop.signal });
    const refused = expect(given).rejects.toBe(REASON);
    await new Promise(setImmediate);
    // It does wait: there is no place for a second one.
    const second = record(alice.channel$, new MemorySink(), { mode: 'wire', key: KEY });
    await expect(second).rejects.toMatchObject({ code: 'bad_request' });
    stop.abort(REASON);

    await refused;
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
    const third = record(alice.channel$, new MemorySink(), { mode: 'wire', key: KEY });
    swarm.relay.restore();
    await commit;
    const recording = await third;
    expect(await recording.stop()).toBe(recording.records);
    expect(sink.text).toBe('');
  });

  it('begins nothing with a signal that is aborted already', async () => {
    await using swarm = await Swarm.create();
    const { alice } = await channelOf(swarm, 'alice');
    const sink = new MemorySink();

    await expect(record(alice.channel$, sink, { signal: AbortSignal.abort(REASON) })).rejects.toBe(REASON);
    const recording = await record(alice.channel$, new MemorySink());
    await recording.stop();
    expect(sink.text).toBe('');
  });

  it('goes on when the signal is aborted after it has begun, and leaves nothing on it', async () => {
    await using swarm = await Swarm.create();
    const { alice } = await channelOf(swarm, 'alice');
    const stop = new AbortController();
    const recording = await record(alice.channel$, new MemorySink(), { signal: stop.signal });
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
    stop.abort(REASON);
    const before = recording.records;
    await alice.send(new Uint8Array(1));

    expect(await recording.stop()).toBeGreaterThan(before);
  });
});
