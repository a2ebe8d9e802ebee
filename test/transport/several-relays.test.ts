import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { connectRelay, createMemoryRelay, DRAINING_DETAILS } from '../../src/transport/index.ts';
import type { TransportStatus } from '../../src/transport/index.ts';
import { ManualClock } from '../streams/support.ts';
import { bridgeTo } from './support/bridge.ts';
import { freePort } from '../support/free-port.ts';
import { Recording } from './support/recording.ts';
import { READY, startScriptedRelay } from './support/scripted-relay.ts';
import type { Script, ScriptedCall } from './support/scripted-relay.ts';
import { CHANNEL, GROUP, entriesOf, hasEntries, hasKind, message, namesOf } from './support/submissions.ts';

const LINK = { channel: CHANNEL, group: GROUP, start: { afterSeq: 0 }, credit: 1000 };

const startingAt = (fraction: number) => ({
  fraction: () => fraction,
  bytes: (length: number) => new Uint8Array(length),
});
const offlines = (statuses: Recording<TransportStatus>): readonly number[] =>
  statuses.events.flatMap((event) => (event.kind === 'offline' ? [event.retryInMs] : []));
const onlines = (statuses: Recording<TransportStatus>, times: number): Promise<void> =>
  statuses.until((all) => all.filter(({ kind }) => kind === 'online').length >= times);

/** Greets, and remembers who came. */
function greeter(name: string, met: string[], calls: ScriptedCall[]): Script {
  return {
    open: (call) => {
      met.push(name);
      calls.push(call);
    },
    frame: (frame, call) => {
      if (frame.case === 'hello') call.send(READY);
    },
  };
}

describe('several relays', () => {
  it.each([
    [0, ['a', 'b', 'c', 'a']],
    [0.4, ['b', 'c', 'a', 'b']],
    [0.99, ['c', 'a', 'b', 'c']],
  ])('are tried in turn from a random start (%d), the next one after each loss', async (fraction, expected) => {
    const met: string[] = [];
    const calls: ScriptedCall[] = [];
    await using a = await startScriptedRelay(greeter('a', met, calls));
    await using b = await startScriptedRelay(greeter('b', met, calls));
    await using c = await startScriptedRelay(greeter('c', met, calls));
    const clock = new ManualClock();
    const endpoint = [a, b, c].map((relay) => relay.endpoint);
    const transport = connectRelay({ endpoint, clock, random: startingAt(fraction) });
    const statuses = new Recording(transport.status$);
    transport.open(LINK).events$.subscribe();
    for (let loss = 1; loss <= 3; loss += 1) {
      await onlines(statuses, loss);
      calls[loss - 1]?.fail(status.UNAVAILABLE, 'crashed');
      await statuses.until(() => offlines(statuses).length === loss);
      clock.advance(10_000);
    }
    await onlines(statuses, 4);
    await transport.close();

    expect(met).toEqual(expected);
  });

  it('are passed over when they cannot be reached', async () => {
    await using there = await startScriptedRelay(greeter('there', [], []));
    const endpoint = [`http://127.0.0.1:${await freePort()}`, there.endpoint];
    const clock = new ManualClock();
    const transport = connectRelay({ endpoint, clock, random: startingAt(0) });
    const statuses = new Recording(transport.status$);
    transport.open(LINK).events$.subscribe();
    await statuses.until(() => offlines(statuses).length === 1);
    clock.advance(200);
    await onlines(statuses, 1);
    await transport.close();

    expect(offlines(statuses)).toEqual([200]);
  });

  it('are left at once when they shut down, without a wait; when all of them do, with growing waits', async () => {
    const met: string[] = [];
    const calls: ScriptedCall[] = [];
    await using a = await startScriptedRelay(greeter('a', met, calls));
    await using b = await startScriptedRelay(greeter('b', met, calls));
    const clock = new ManualClock();
    const transport = connectRelay({ endpoint: [a.endpoint, b.endpoint], clock, random: startingAt(0) });
    const statuses = new Recording(transport.status$);
    transport.open(LINK).events$.subscribe();
    for (let drains = 1; drains <= 3; drains += 1) {
      await onlines(statuses, drains);
      calls[drains - 1]?.fail(status.UNAVAILABLE, DRAINING_DETAILS);
      await statuses.until(() => offlines(statuses).length === drains);
      if (drains > 1) clock.advance(10_000);
    }
    await onlines(statuses, 4);
    await transport.close();

    expect(offlines(statuses)).toEqual([0, 200, 400]);
    expect(met).toEqual(['a', 'b', 'a', 'b']);
  });

  it('let a first publish wait for the next one when the first of them shuts down', async () => {
    await using a = await startScriptedRelay({ open: (call) => call.fail(status.UNAVAILABLE, DRAINING_DETAILS) });
    await using b = await startScriptedRelay(bridgeTo(createMemoryRelay()));
    const transport = connectRelay({ endpoint: [a.endpoint, b.endpoint], random: startingAt(0) });

    expect(await transport.open(LINK).publish([message('a')])).toMatchObject([{ kind: 'accepted' }]);
    await transport.close();
  });

  it('lose and repeat nothing over one log, whichever of them a reader is on', async () => {
    const log = createMemoryRelay();
    const calls: ScriptedCall[] = [];
    const script = (): Script => {
      const bridge = bridgeTo(log);
      return {
        ...bridge,
        open: (call) => {
          calls.push(call);
          bridge.open?.(call);
        },
      };
    };
    await using a = await startScriptedRelay(script());
    await using b = await startScriptedRelay(script());
    const transport = connectRelay({
      endpoint: [a.endpoint, b.endpoint],
      minReconnectDelayMs: 1,
      maxReconnectDelayMs: 5,
    });
    const reader = new Recording(transport.open(LINK).events$);
    const writer = log.connect();
    const link = writer.open(LINK);
    let losses = 0;
    const names = Array.from({ length: 200 }, (_, index) => `m${index}`);
    for (const [index, name] of names.entries()) {
      await link.publish([message(name)]);
      if (index % 40 !== 20) continue;
      await reader.until(hasKind('caught-up', losses + 1));
      losses += 1;
      calls.at(-1)?.fail(status.UNAVAILABLE, index % 80 === 20 ? DRAINING_DETAILS : 'crashed');
    }
    await hasEntries(reader, names.length);
    await transport.close();
    await writer.close();

    expect(namesOf(entriesOf(reader))).toEqual(names);
    expect(losses).toBe(5);
    expect(calls).toHaveLength(6);
  });

  it('are at least one', () => {
    expect(() => connectRelay({ endpoint: [] })).toThrow('Expected `endpoint` to name at least one relay.');
  });
});
