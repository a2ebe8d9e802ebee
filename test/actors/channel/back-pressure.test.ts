import { firstValueFrom, of } from 'rxjs';
import { expect, it } from 'vitest';
import { type ChannelMessage, iterate, json } from '../../../src/index.ts';
import { bytes, channelOf, isFault, next, Recorder, Swarm, textOf } from '../../support/swarm.ts';

/** Entries that the relay may send ahead, see link-driver.ts; plus those of one batch that is being read. */
const ON_THE_WAY = 256 + 64;

async function sendMany(
  channel: { send(payload: Uint8Array): Promise<unknown> },
  from: number,
  to: number,
): Promise<void> {
  const numbers = Array.from({ length: to - from }, (_, index) => from + index);
  await Promise.all(numbers.map((number) => channel.send(bytes(`${number}`))));
}

it('asks the relay for no more while a handler is slow, tells it once, and loses nothing', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const faults = new Recorder(bob.channel$.faults$);
  const handled: string[] = [];
  let goOn: () => void = () => undefined;
  const mayGoOn = new Promise<void>((resolve) => (goOn = resolve));
  bob.channel$.consume(async (message) => {
    await mayGoOn;
    handled.push(textOf(message));
  });
  await sendMany(alice, 0, 2_500);
  const slow = await next(bob.channel$.state$, () => faults.values.some(isFault('slow'))).then(() => faults.values);
  expect(slow.map(({ kind }) => kind)).toEqual(['slow']);
  // All that the relay was ever allowed to send.
  expect(bob.channel$.state$.value.seq).toBeLessThanOrEqual(1024 + ON_THE_WAY + 2);

  goOn();
  await next(bob.channel$.state$, ({ seq }) => seq === 2_501);
  await expect.poll(() => handled.length, { timeout: 20_000 }).toBe(2_500);
  expect(handled).toEqual(Array.from({ length: 2_500 }, (_, index) => `${index}`));
  // It crossed the line once on the way up; on the way down it may have been full again, and no more often than the journal emptied.
  expect(faults.values.filter(isFault('slow')).length).toBeLessThanOrEqual(2);
}, 60_000);

it('makes the relay wait for a loop that is slower than the channel', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const faults = new Recorder(bob.channel$.faults$);
  const loop = iterate<ChannelMessage>(bob.channel$, { capacity: 16, overflow: 'wait' });
  await sendMany(alice, 0, 1_500);
  await next(bob.channel$.state$, () => faults.values.some(isFault('slow')));
  await alice.send(bytes('1500'));
  expect(bob.channel$.state$.value.seq).toBeLessThanOrEqual(2 * ON_THE_WAY);

  const taken: string[] = [];
  for await (const message of loop) {
    taken.push(textOf(message));
    if (taken.length === 1_501) break;
  }
  expect(taken).toEqual(Array.from({ length: 1_501 }, (_, index) => `${index}`));
  expect(faults.values.every(isFault('slow'))).toBe(true);
}, 60_000);

it('lets the channel go when a loop that it waited for is left', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const typed = bob.channel$.as(json());
  const loop = iterate(typed, { capacity: 1, overflow: 'wait' });
  const all = new Recorder(bob.channel$);
  await sendMany(alice, 0, 600);
  await next(bob.channel$.state$, ({ seq }) => seq > 200);
  await loop.return?.();
  await all.until(600);
});

it('refuses to make a stream wait that cannot', async () => {
  expect(() => iterate(of(1), { capacity: 1, overflow: 'wait' })).toThrow(
    expect.objectContaining({ code: 'invalid_argument' }),
  );
  expect(await firstValueFrom(of(1))).toBe(1);
});

it('counts every hold by itself, and each release once', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const all = new Recorder(bob.channel$);
  const [first, second] = [bob.channel$.hold(), bob.channel$.hold()];
  first();
  first();
  const slow = next(bob.channel$.faults$, isFault('slow'));
  await sendMany(alice, 0, 600);
  await slow;
  expect(bob.channel$.state$.value.seq).toBeLessThanOrEqual(2 + 256);
  second();
  await all.until(600);
});
