import fc from 'fast-check';
import { filter, map } from 'rxjs';
import { expect, it } from 'vitest';
import type { ChannelMessage } from '../../../src/index.ts';
import { bytes, channelOf, next, Recorder, Swarm, text, textOf } from '../../support/swarm.ts';

type Step = 'send' | 'turn' | 'interrupt' | 'restore' | 'loseNextAnswer' | 'rotate';

const step = fc.oneof(
  { weight: 12, arbitrary: fc.constant<Step>('send') },
  { weight: 6, arbitrary: fc.constant<Step>('turn') },
  { weight: 1, arbitrary: fc.constant<Step>('interrupt') },
  { weight: 2, arbitrary: fc.constant<Step>('restore') },
  { weight: 1, arbitrary: fc.constant<Step>('loseNextAnswer') },
  { weight: 1, arbitrary: fc.constant<Step>('rotate') },
);

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('keeps the order of each sender, loses nothing and repeats nothing, whatever the connection does and when', async () => {
  let interruptions = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120 }), async (steps) => {
      await using swarm = await Swarm.create();
      const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
      const from = (sender: string) => filter<ChannelMessage>((message) => text(message.sender) === sender);
      const atBob = new Recorder(bob.channel$.pipe(from('alice'), map(textOf)));
      const atAlice = new Recorder(alice.channel$.pipe(from('bob'), map(textOf)));
      const pending: Promise<unknown>[] = [];
      let sent = 0;
      for (const what of steps) {
        if (what === 'send') {
          pending.push(alice.send(bytes(`${sent}`)), bob.send(bytes(`${sent}`)));
          sent += 1;
        }
        if (what === 'turn') await turn();
        if (what === 'rotate') pending.push(bob.channel$.commit({ rotate: true }));
        if (what === 'interrupt' || what === 'restore' || what === 'loseNextAnswer') {
          interruptions += what === 'restore' ? 0 : 1;
          swarm.relay[what]();
        }
      }
      swarm.relay.restore();
      await Promise.all(pending);

      const expected = Array.from({ length: sent }, (_, index) => `${index}`);
      expect(await atBob.until(sent)).toEqual(expected);
      expect(await atAlice.until(sent)).toEqual(expected);
      const { epoch } = bob.channel$.state$.value;
      await next(alice.channel$.state$, (state) => state.epoch === epoch);
    }),
    { numRuns: Number(process.env['INTERRUPTION_RUNS'] ?? 30) },
  );
  expect(interruptions).toBeGreaterThan(0);
}, 120_000);
