import { expect, test } from 'vitest';
import type { LogEngine } from '../../src/relay/engine/log-engine.ts';
import { eventually } from './support/eventually.ts';
import { startFront } from './support/front.ts';
import { RawClient } from './support/raw-client.ts';
import { messages } from './support/submissions.ts';

/** Many more than may be asked at once. */
const ROUNDS = 2_000;

/** A log that says where its channels stand when it is told to. */
class SlowLog {
  questions = 0;
  #release: (() => void) | undefined;
  readonly #released = new Promise<void>((resolve) => (this.#release = resolve));

  over(engine: LogEngine): LogEngine {
    return new Proxy(engine, {
      get: (target, name) => {
        if (name !== 'state') {
          const value = Reflect.get(target, name) as unknown;
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        }
        return async (channel: Parameters<LogEngine['state']>[0]) => {
          this.questions += 1;
          await this.#released;
          return target.state(channel);
        };
      },
    });
  }

  release(): void {
    this.#release?.();
  }
}

test('subscriptions that are taken back at once do not pile up questions to the log', async () => {
  const log = new SlowLog();
  const front = await startFront({ behind: (engine) => log.over(engine) });
  const alice = await RawClient.connect(front.endpoint);
  const mallory = await RawClient.connect(front.endpoint);
  for (let round = 0; round < ROUNDS; round += 1) {
    mallory.subscribe(7);
    mallory.send({ case: 'unsubscribe', value: { subscription: 7 } });
  }
  await eventually(() => log.questions >= 64);
  let unsent = 0;
  let published = 0;
  for (let still = 0; still < 30; published += 1) {
    const before = unsent;
    expect(await alice.publish(messages(1))).toHaveLength(1);
    unsent = mallory.unsent;
    still = unsent === before ? still + 1 : 0;
  }
  expect(log.questions).toBeLessThan(200);
  log.release();
  await eventually(() => mallory.unsent === 0);
  mallory.subscribe(8);
  expect(await mallory.entriesUpTo(8, published)).toHaveLength(published);
  expect(log.questions).toBe(ROUNDS + 1);
});
