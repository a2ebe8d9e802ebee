import { describe, expect, it } from 'vitest';
import { createMemoryRelay, TransportError } from '../../../src/index.ts';
import { introduce, ManagedSwarm } from '../../support/managers.ts';
import { bytes, CHANNEL, next, reaches, text } from '../../support/swarm.ts';

/** Receives until there are so many. */
async function receiveAll(manager: { receive(channel: string): Promise<string[]> }, count: number): Promise<string[]> {
  const received: string[] = [];
  while (received.length < count) received.push(...(await manager.receive(CHANNEL)));
  return received;
}

describe('receive', () => {
  it('returns what has come since the last call, in order, and an empty list when nothing does', async () => {
    await using swarm = await ManagedSwarm.create();
    const [alice, bob] = [swarm.manager('alice'), swarm.manager('bob')];
    await introduce(alice, bob);
    void alice.manager.send(CHANNEL, 'one');
    void alice.manager.send(CHANNEL, 'two');
    await alice.manager.send(CHANNEL, bytes('three'));

    expect(await receiveAll(bob.manager, 3)).toEqual(['one', 'two', 'three']);
    expect(await bob.manager.receive(CHANNEL, { timeoutMs: 0 })).toEqual([]);
    await bob.manager.send(CHANNEL, 'four');
    expect(await alice.manager.receive(CHANNEL)).toEqual(['four']);
  });

  it('waits for a message as long as it was told to, and not after it was aborted', async () => {
    await using swarm = await ManagedSwarm.create();
    const [alice, bob] = [swarm.manager('alice'), swarm.manager('bob')];
    await introduce(alice, bob);
    const waiting = bob.manager.receive(CHANNEL, { timeoutMs: 60_000 });
    await alice.manager.send(CHANNEL, 'at last');
    expect(await waiting).toEqual(['at last']);

    const abort = new AbortController();
    const aborted = bob.manager.receive(CHANNEL, { timeoutMs: 60_000, signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    await expect(bob.manager.receive(CHANNEL, { timeoutMs: -1 })).rejects.toMatchObject({ code: 'invalid_argument' });
  });

  it('gives several that wait each its own messages', async () => {
    await using swarm = await ManagedSwarm.create();
    const [alice, bob] = [swarm.manager('alice'), swarm.manager('bob')];
    await introduce(alice, bob);
    const both = Promise.all([bob.manager.receive(CHANNEL), bob.manager.receive(CHANNEL)]);
    await alice.manager.send(CHANNEL, 'one');
    await alice.manager.send(CHANNEL, 'two');
    expect((await both).flat().sort()).toEqual(['one', 'two']);
  });

  it('gives bytes as they are, and shows what is no text in a text', async () => {
    await using swarm = await ManagedSwarm.create();
    const [alice, bob] = [swarm.manager('alice'), swarm.manager('bob')];
    await introduce(alice, bob);
    const binary = Uint8Array.of(0xff, 0, 0x41);
    await alice.manager.send(CHANNEL, binary);
    expect(await bob.manager.receive(CHANNEL, { as: 'bytes' })).toEqual([binary]);
    await alice.manager.send(CHANNEL, binary);
    expect(await bob.manager.receive(CHANNEL)).toEqual(['\ufffd\u0000A']);
  });

  it('says whose channel it is not', async () => {
    await using swarm = await ManagedSwarm.create();
    const { manager } = swarm.manager('alice');
    await expect(manager.receive('acme/research/other')).rejects.toMatchObject({
      name: 'ChannelError',
      code: 'not_found',
    });
    await expect(manager.receive('bad-name')).rejects.toMatchObject({ code: 'channel_error' });
  });
});

describe('receiveEnvelopes', () => {
  it('gives the whole of each message, plain ones as raw', async () => {
    await using swarm = await ManagedSwarm.create();
    const [alice, bob] = [swarm.manager('alice'), swarm.manager('bob')];
    await introduce(alice, bob);
    const trace = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };
    const { seq } = await alice.manager.send(CHANNEL, { protocol: 'a2a', payload: '{}', id: 'q', trace });
    await alice.manager.send(CHANNEL, { protocol: 'a2a', payload: '[]', inReplyTo: 'q' });
    await alice.manager.send(CHANNEL, 'plain');

    const received = [];
    while (received.length < 3) received.push(...(await bob.manager.receiveEnvelopes(CHANNEL)));
    expect(received[0]).toEqual({
      channel: CHANNEL,
      protocol: 'a2a',
      contentType: 'application/json',
      payload: bytes('{}'),
      id: 'q',
      trace,
      seq,
      epoch: 1n,
      sender: bytes('alice'),
      phase: expect.stringMatching(/live|replay/) as string,
      receivedAt: expect.any(Number) as number,
      redelivered: false,
    });
    expect(received[1]).toMatchObject({ inReplyTo: 'q', id: expect.stringMatching(/^[0-9a-f]{32}$/) as string });
    expect(received[2]).toMatchObject({ protocol: 'raw', payload: bytes('plain') });
  });

  it('takes its payload out of an envelope where only payloads are wanted', async () => {
    await using swarm = await ManagedSwarm.create();
    const [alice, bob] = [swarm.manager('alice'), swarm.manager('bob')];
    await introduce(alice, bob);
    await alice.manager.send(CHANNEL, { protocol: 'mcp', payload: '{"method":"ping"}' });
    expect(await bob.manager.receive(CHANNEL)).toEqual(['{"method":"ping"}']);
  });

  it('brings bytes that begin like an envelope as what they are', async () => {
    await using swarm = await ManagedSwarm.create();
    const [alice, bob] = [swarm.manager('alice'), swarm.manager('bob')];
    await introduce(alice, bob);
    const lookalike = Uint8Array.of(0xff, ...bytes('SKYENV'), 1, 7);
    await alice.manager.send(CHANNEL, lookalike);
    expect(await bob.manager.receiveEnvelopes(CHANNEL)).toMatchObject([{ protocol: 'raw', payload: lookalike }]);
  });

  it('tells of a malformed one, and goes on behind it', async () => {
    await using swarm = await ManagedSwarm.create();
    const [alice, bob] = [swarm.manager('alice'), swarm.manager('bob')];
    await introduce(alice, bob);
    await (await alice.manager.channel$(CHANNEL)).send(Uint8Array.of(0xff, ...bytes('SKYENV'), 9));
    await alice.manager.send(CHANNEL, 'behind it');
    expect(await bob.manager.receive(CHANNEL)).toEqual(['behind it']);
    expect(bob.faults.values).toMatchObject([
      { kind: 'malformed-envelope', channel: CHANNEL, error: { code: 'invalid_payload' } },
    ]);
  });

  it('warns of what nobody listens to', async () => {
    await using swarm = await ManagedSwarm.create();
    const warnings: string[] = [];
    const alice = swarm.manager('alice');
    const bob = swarm.manager('bob', { warn: (warning) => warnings.push(warning) });
    bob.faults.stop();
    await introduce(alice, bob);
    await (await alice.manager.channel$(CHANNEL)).send(Uint8Array.of(0xff, ...bytes('SKYENV'), 9, ...bytes('secret')));
    await alice.manager.send(CHANNEL, 'behind it');
    await bob.manager.receive(CHANNEL);
    expect(warnings).toEqual([expect.stringContaining('begins as an envelope and is none')]);
    expect(warnings.join()).not.toContain('secret');
  });
});

describe('what was not received', () => {
  it('is received in the next run, and what was received is not', async () => {
    await using swarm = await ManagedSwarm.create();
    const [alice, bob] = [swarm.manager('alice'), swarm.manager('bob')];
    await introduce(alice, bob);
    await alice.manager.send(CHANNEL, 'one');
    expect(await bob.manager.receive(CHANNEL)).toEqual(['one']);
    await alice.manager.send(CHANNEL, 'two');
    await bob.manager.close();
    await alice.manager.send(CHANNEL, 'three');

    const again = swarm.manager('bob');
    expect(await again.manager.channels()).toEqual([CHANNEL]);
    expect(await receiveAll(again.manager, 2)).toEqual(['two', 'three']);
  });

  it('comes again after a crash, and what a call had returned as well, until the next call', async () => {
    await using swarm = await ManagedSwarm.create();
    const [alice, bob] = [swarm.manager('alice'), swarm.manager('bob')];
    await introduce(alice, bob);
    const bobs$ = await bob.manager.channel$(CHANNEL);
    await alice.manager.send(CHANNEL, 'one');
    expect(await bob.manager.receive(CHANNEL)).toEqual(['one']);
    await alice.manager.send(CHANNEL, 'two');
    expect(await bob.manager.receive(CHANNEL)).toEqual(['two']);
    const { seq } = await alice.manager.send(CHANNEL, 'three');
    // "one" is acknowledged since the second call; that is on disk when a later message is.
    await next(bobs$.state$, (state) => state.seq === seq);
    await swarm.crashImage('bob', 'bob again');

    const again = swarm.manager('bob', { dataDir: swarm.dataDir('bob again') });
    const received = [];
    while (received.length < 2) received.push(...(await again.manager.receiveEnvelopes(CHANNEL)));
    expect(received.map(({ payload, redelivered }) => [text(payload), redelivered])).toEqual([
      ['two', true],
      ['three', true],
    ]);
  });
});

describe('a full buffer', () => {
  it('makes the channel wait, says so once, and loses nothing', async () => {
    await using swarm = await ManagedSwarm.create();
    const alice = swarm.manager('alice');
    const bob = swarm.manager('bob', { receiveBuffer: { capacity: 3 } });
    await introduce(alice, bob);
    for (let index = 1; index <= 10; index += 1) await alice.manager.send(CHANNEL, String(index));

    expect(await bob.faults.until(1)).toEqual([{ kind: 'buffer-full', channel: CHANNEL, messages: 3 }]);
    expect(await receiveAll(bob.manager, 10)).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9', '10']);
  });

  it('gives up the oldest if it was told to, and says which', async () => {
    await using swarm = await ManagedSwarm.create();
    const alice = swarm.manager('alice');
    const bob = swarm.manager('bob', { receiveBuffer: { capacity: 3, overflow: 'drop-oldest' } });
    await introduce(alice, bob);
    const seqs = [];
    for (let index = 1; index <= 5; index += 1) seqs.push((await alice.manager.send(CHANNEL, String(index))).seq);

    await bob.faults.until(2);
    expect(bob.faults.values).toMatchObject([
      { kind: 'dropped', fromSeq: seqs[0], toSeq: seqs[0], messages: 1 },
      { kind: 'dropped', fromSeq: seqs[1], toSeq: seqs[1], messages: 1 },
    ]);
    expect(await bob.manager.receive(CHANNEL)).toEqual(['3', '4', '5']);
  });

  it('goes on dropping while what was received is being worked on', async () => {
    await using swarm = await ManagedSwarm.create();
    const alice = swarm.manager('alice');
    const bob = swarm.manager('bob', { receiveBuffer: { capacity: 2, overflow: 'drop-oldest' } });
    await introduce(alice, bob);
    for (const line of ['1', '2']) await alice.manager.send(CHANNEL, line);
    expect(await receiveAll(bob.manager, 2)).toEqual(['1', '2']);
    for (const line of ['3', '4', '5', '6']) await alice.manager.send(CHANNEL, line);
    await bob.faults.until(2);
    expect(await bob.manager.receive(CHANNEL)).toEqual(['5', '6']);
  });
});

describe('a lost connection', () => {
  it('is waited for: receive works again by itself', async () => {
    await using swarm = await ManagedSwarm.create();
    const [alice, bob] = [swarm.manager('alice'), swarm.manager('bob')];
    await introduce(alice, bob);
    await reaches(await bob.manager.channel$(CHANNEL), 'live');
    const waiting = bob.manager.receive(CHANNEL, { timeoutMs: 60_000 });
    const goesOffline = reaches(await bob.manager.channel$(CHANNEL), 'offline');
    swarm.relay.interrupt();
    await goesOffline;
    const sending = alice.manager.send(CHANNEL, 'across the gap');
    expect(await bob.manager.receive(CHANNEL, { timeoutMs: 0 })).toEqual([]);
    swarm.relay.restore();

    await sending;
    expect(await waiting).toEqual(['across the gap']);
  });

  it('ends the listener if it was told not to heal, and a new manager has what it missed', async () => {
    await using swarm = await ManagedSwarm.create();
    const alice = swarm.manager('alice');
    const bob = swarm.manager('bob', { heal: false });
    await introduce(alice, bob);
    await reaches(await bob.manager.channel$(CHANNEL), 'live');
    const waiting = bob.manager.receive(CHANNEL, { timeoutMs: 60_000 });
    swarm.relay.interrupt();
    const error: unknown = await waiting.catch((reason: unknown) => reason);
    swarm.relay.restore();
    await alice.manager.send(CHANNEL, 'missed');

    expect(error).toBeInstanceOf(TransportError);
    expect(error).toMatchObject({ code: 'listener_died', cause: { code: 'connection_lost' } });
    await expect(bob.manager.receiveEnvelopes(CHANNEL)).rejects.toMatchObject({ code: 'listener_died' });
    await bob.manager.close();
    expect(await swarm.manager('bob').manager.receive(CHANNEL)).toEqual(['missed']);
  });

  it('starts without a relay', async () => {
    const relay = createMemoryRelay({ isOnline: false });
    await using swarm = await ManagedSwarm.create(relay);
    const alice = swarm.manager('alice');
    await alice.manager.create(CHANNEL);
    const sending = alice.manager.send(CHANNEL, 'hello?');
    expect(await alice.manager.receive(CHANNEL, { timeoutMs: 0 })).toEqual([]);
    relay.restore();
    expect((await sending).seq).toBe(1);
  });
});
