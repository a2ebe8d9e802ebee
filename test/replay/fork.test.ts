import { expect, it } from 'vitest';
import type { ChannelFault, ClientChannel } from '../../src/index.ts';
import { toHex } from '../../src/base/bytes.ts';
import { type Fault, World } from '../../src/replay/index.ts';
import { bytes, textOf } from '../support/swarm.ts';
import { meet } from './meet.ts';

const NAMES = ['alice', 'bob', 'carol'];

/** A channel of three, of whom bob is shown another history, in which his commit has won and nobody else's. */
async function split(): Promise<{ readonly world: World; readonly channels: readonly ClientChannel[] }> {
  const faults: Fault[] = [
    { kind: 'relay-splits', agents: ['bob'], atMs: 0, forMs: 1_000 },
    { kind: 'commit-race', agents: ['alice', 'bob'], atMs: 600 },
  ];
  const world = new World({ seed: 7, plan: { version: 1, faults } });
  const channels = await meet(world, NAMES);
  await world.complete(channels[0]!.send(bytes('together')));
  await world.run(100);
  world.arm();
  await world.run(1_000);
  return { world, channels };
}

it('is noticed within one message or ten seconds, and heals by itself into one history', async () => {
  const { world, channels } = await split();
  const [alice, bob, carol] = channels as [ClientChannel, ClientChannel, ClientChannel];
  const authenticators = (): Set<string> =>
    new Set(channels.map(({ channel$ }) => toHex(channel$.state$.value.epochAuthenticator)));
  expect(bob.channel$.state$.value.epoch).toBe(alice.channel$.state$.value.epoch);
  expect(authenticators().size).toBe(2);

  const faults: ChannelFault[] = [];
  bob.channel$.faults$.subscribe((fault) => faults.push(fault));
  const heard = [bob, carol].map(({ channel$ }) => {
    const texts: string[] = [];
    channel$.subscribe((message) => texts.push(textOf(message)));
    return texts;
  });
  const startedAtMs = world.clock.elapsedMs;
  await world.complete(alice.send(bytes('to all')));
  expect(await world.until(() => faults.some(({ kind }) => kind === 'fork'), 10_000)).toBe(true);
  expect(world.clock.elapsedMs - startedAtMs).toBeLessThanOrEqual(10_000);
  expect(await world.until(() => authenticators().size === 1 && bob.channel$.status$.value === 'live', 60_000)).toBe(
    true,
  );
  // What he could not read lies in the gap that he was told of, and from there on all see the same.
  const gap = faults.find((fault) => fault.kind === 'gap');
  expect(gap?.kind).toBe('gap');
  await world.complete(alice.send(bytes('together again')));
  await world.run(1_000);
  expect(heard).toEqual([
    ['together', 'together again'],
    ['together', 'to all', 'together again'],
  ]);
  expect(channels.map(({ channel$ }) => channel$.status$.value)).toEqual(['live', 'live', 'live']);
  world.checkAllFired();
  await world[Symbol.asyncDispose]();
});
