import { expect, it } from 'vitest';
import { bytes, CHANNEL, channelOf, isFault, next, reaches, Recorder, Swarm, textOf } from '../../support/swarm.ts';

/** Ends only when the consumer does, and then without having handled the message. */
function never(signal: AbortSignal): Promise<void> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))));
}

it('redelivers after a crash what the handler had not completed, to the streams as well, and nothing else', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const started = new Recorder(bob.channel$);
  // Completes for the first two, then hangs.
  bob.channel$.consume((message, signal) => (textOf(message) === 'three' ? never(signal) : undefined));
  for (const line of ['one', 'two', 'three', 'four']) await alice.send(bytes(line));
  await started.until(4);
  // The acknowledgements are on disk when another message is.
  await alice.send(bytes('tick'));
  await started.until(5);

  await swarm.crashImage('bob', 'bob after the crash');
  const again = await swarm.agent('bob', { dataDir: 'bob after the crash' }).openChannel(CHANNEL);
  const shown = new Recorder(again.channel$);
  const handled: [string, boolean][] = [];
  again.channel$.consume((message) => void handled.push([textOf(message), message.redelivered]));
  await alice.send(bytes('five'));
  await shown.until(4);
  await reaches(again.channel$, 'live');
  await again.close();

  expect(handled).toEqual([
    ['three', true],
    ['four', true],
    ['tick', true],
    ['five', false],
  ]);
  expect(shown.values.map((message) => [textOf(message), message.redelivered])).toEqual(handled);
});

it('tries a message again whose handler threw, and lets no later one pass', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const faults = new Recorder(bob.channel$.faults$);
  const handled: string[] = [];
  let failures = 2;
  const both = new Promise<void>((resolve) => {
    bob.channel$.consume((message) => {
      if (textOf(message) === 'one' && failures > 0) {
        failures -= 1;
        throw new Error('not yet');
      }
      handled.push(textOf(message));
      if (handled.length === 2) resolve();
    });
  });

  await alice.send(bytes('one'));
  await alice.send(bytes('two'));
  await both;

  expect(faults.values.filter(isFault('handler-failed')).map(({ attempt }) => attempt)).toEqual([1, 2]);
  expect(handled).toEqual(['one', 'two']);
});

it('stops asking the relay for more while too much is not acknowledged', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  let letGo: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (letGo = resolve));
  const handled: number[] = [];
  bob.channel$.consume(async ({ seq }) => {
    await held;
    handled.push(seq);
  });
  const total = 2000;
  await Promise.all(Array.from({ length: total }, (_, index) => alice.send(bytes(`${index}`))));

  // Journal of 1 024, and what was granted before it was full.
  const stalledAt = bob.channel$.state$.value.seq;
  expect(stalledAt).toBeGreaterThan(1000);
  expect(stalledAt).toBeLessThan(1024 + 2 * 256);
  letGo();
  await next(bob.channel$.state$, ({ seq }) => seq === total + 1);
  await bob.close();
  expect(handled.length).toBeGreaterThan(total - 1025);
});

it('has one consumer at a time; the next one goes on where the last one ended', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const first: string[] = [];
  const seen = new Recorder(bob.channel$);
  const consumption = bob.channel$.consume((message) => void first.push(textOf(message)));
  expect(() => bob.channel$.consume(() => undefined)).toThrow('has a consumer already');

  await alice.send(bytes('one'));
  await seen.until(1);
  await consumption.stop();
  const second = new Recorder(bob.channel$);
  await alice.send(bytes('unjournalled'));
  await second.until(1);
  const third: string[] = [];
  const handedOver = new Promise<void>((resolve) => {
    bob.channel$.consume((message) => {
      third.push(textOf(message));
      resolve();
    });
  });
  await alice.send(bytes('two'));
  await handedOver;

  expect(first).toEqual(['one']);
  expect(third).toEqual(['two']);
});

it('handles as many at once as wanted, and redelivers after a crash only what had not completed', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const started: string[] = [];
  let running = 0;
  let most = 0;
  const release = new Map<string, () => void>();
  const allStarted = new Promise<void>((resolve) => {
    bob.channel$.consume(
      async (message) => {
        running += 1;
        most = Math.max(most, running);
        started.push(textOf(message));
        if (started.length === 5) resolve();
        await new Promise<void>((done) => release.set(textOf(message), done));
        running -= 1;
      },
      { concurrency: 3 },
    );
  });
  for (const line of ['one', 'two', 'three', 'four', 'five', 'six']) await alice.send(bytes(line));
  await next(bob.channel$.state$, ({ seq }) => seq === 7);
  // The later ones are done first, and free their places for the next.
  release.get('three')?.();
  release.get('two')?.();
  await allStarted;
  await alice.send(bytes('tick'));
  await next(bob.channel$.state$, ({ seq }) => seq === 8);

  await swarm.crashImage('bob', 'bob after the crash');
  for (const done of release.values()) done();
  expect(started.slice(0, 5)).toEqual(['one', 'two', 'three', 'four', 'five']);
  expect(most).toBe(3);
  const again = await swarm.agent('bob', { dataDir: 'bob after the crash' }).openChannel(CHANNEL);
  const handled = await new Promise<string[]>((resolve) => {
    const lines: string[] = [];
    again.channel$.consume(
      (message) => {
        lines.push(textOf(message));
        if (lines.length === 5) resolve(lines);
      },
      { concurrency: 3 },
    );
  });
  expect(handled).toEqual(['one', 'four', 'five', 'six', 'tick']);
});
