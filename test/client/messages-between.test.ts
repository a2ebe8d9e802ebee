import { describe, expect, it } from 'vitest';
import type { ClientChannel } from '../../src/index.ts';
import { bytes, CHANNEL, channelOf, isFault, next, Recorder, Swarm, text, textOf } from '../support/swarm.ts';

/** What a full journal holds, and what the relay may send beyond it: see delivery-journal.ts and link-driver.ts. */
const KEPT = 1_024;
const ON_THE_WAY = 256 + 64;

const lines = (count: number): string[] => Array.from({ length: count }, (_, index) => `${index}`);

async function sendAll(channel: ClientChannel, payloads: readonly string[]): Promise<void> {
  await Promise.all(payloads.map((line) => channel.send(bytes(line))));
}

/** Takes so many messages in an iteration of its own. */
async function take(channel: ClientChannel, count: number, options = {}): Promise<string[]> {
  const taken: string[] = [];
  for await (const payload of channel.messages(options)) {
    taken.push(text(payload));
    if (taken.length === count) break;
  }
  return taken;
}

describe('between two iterations of messages', () => {
  it('keeps what comes for the next one, in order and once', async () => {
    await using swarm = await Swarm.create();
    const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
    await sendAll(alice, ['one', 'two']);
    expect(await take(bob, 1)).toEqual(['one']);
    const shown = new Recorder(bob.channel$);
    await sendAll(alice, ['three', 'four']);
    await shown.until(2);
    expect(await take(bob, 2)).toEqual(['two', 'three']);
    await sendAll(alice, ['five']);

    expect(await take(bob, 2)).toEqual(['four', 'five']);
    expect(shown.values.map(textOf)).toEqual(['three', 'four', 'five']);
  });

  it('keeps it for a consumer, and for the next run', async () => {
    await using swarm = await Swarm.create();
    const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
    await sendAll(alice, ['one']);
    expect(await take(bob, 1)).toEqual(['one']);
    await sendAll(alice, ['two', 'three']);
    await next(bob.channel$.state$, ({ seq }) => seq === 4);
    const first: string[] = [];
    const consumption = bob.channel$.consume((message) => void first.push(textOf(message)), { afterwards: 'keep' });
    await expect.poll(() => first).toEqual(['two', 'three']);
    await consumption.stop();
    await sendAll(alice, ['four']);
    await next(bob.channel$.state$, ({ seq }) => seq === 5);
    await bob.close();
    await swarm.crashImage('bob', 'bob again');

    const again = await swarm.agent('bob', { dataDir: 'bob again' }).openChannel(CHANNEL);
    expect(await take(again, 1)).toEqual(['four']);
  });

  it('asks the relay for no more when much is kept, tells it, and loses nothing', async () => {
    await using swarm = await Swarm.create();
    const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
    const faults = new Recorder(bob.channel$.faults$);
    await alice.send(bytes('first'));
    expect(await take(bob, 1)).toEqual(['first']);
    const slow = next(bob.channel$.faults$, isFault('slow'));
    await sendAll(alice, lines(1_500));
    expect(await slow).toMatchObject({ unhandled: expect.any(Number) as number });
    await alice.send(bytes('1500'));
    expect(bob.channel$.state$.value.seq).toBeLessThanOrEqual(KEPT + ON_THE_WAY + 3);

    expect(await take(bob, 1_501)).toEqual(lines(1_501));
    expect(faults.values.every(isFault('slow'))).toBe(true);
  }, 60_000);

  it('refuses an option that is none', async () => {
    await using swarm = await Swarm.create();
    const { alice } = await channelOf(swarm, 'alice');
    expect(() => alice.messages({ afterwards: 'forget' as never })).toThrow(
      'Expected `afterwards` to be let-pass or keep.',
    );
    await alice.messages().return?.();
  });
});

describe('what was kept, and nobody wants', () => {
  it('makes nobody wait: neither once the channel was let pass, nor in a run in which nobody iterates', async () => {
    await using swarm = await Swarm.create();
    const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
    await alice.send(bytes('first'));
    expect(await take(bob, 1)).toEqual(['first']);
    const shown = new Recorder(bob.channel$);
    const slow = next(bob.channel$.faults$, isFault('slow'));
    await sendAll(alice, lines(1_400));
    await slow;
    await swarm.crashImage('bob', 'bob again');

    await bob.messages({ afterwards: 'let-pass' }).return?.();
    expect((await shown.until(1_400)).map(textOf)).toEqual(lines(1_400));
    await bob.close();
    const again = await swarm.agent('bob', { dataDir: 'bob again' }).openChannel(CHANNEL);
    const rest = new Recorder(again.channel$);
    await alice.send(bytes('last'));
    await rest.until((values) => values.map(textOf).includes('last'));
  }, 60_000);
});
