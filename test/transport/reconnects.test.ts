import { expect, it } from 'vitest';
import { Reconnects } from '../../src/transport/grpc/reconnects.ts';
import { ManualClock } from '../support/manual-clock.ts';

function reconnects(fraction = 0.5): { clock: ManualClock; it: Reconnects } {
  const clock = new ManualClock();
  const random = { fraction: () => fraction, bytes: (length: number) => new Uint8Array(length) };
  const settings = {
    relays: [{ endpoint: 'a' }],
    minReconnectDelayMs: 200,
    maxReconnectDelayMs: 10_000,
    reconnectResetAfterMs: 10_000,
    clock,
    random,
  };
  return { clock, it: new Reconnects(settings as unknown as ConstructorParameters<typeof Reconnects>[0]) };
}

/** Fails for `forMs`; returns the waits. */
function outage(clock: ManualClock, subject: Reconnects, forMs: number): number[] {
  const waits: number[] = [];
  for (const until = clock.now() + forMs; clock.now() < until; ) {
    const waitMs = subject.ended('lost');
    waits.push(waitMs);
    clock.advance(waitMs);
  }
  return waits;
}

it('tries again within a second and a half, for half a minute, where a relay was lost that had worked', () => {
  const { clock, it: subject } = reconnects(1);
  subject.succeeded();
  clock.advance(3_000);
  const waits = outage(clock, subject, 300_000);
  const brisk = waits.filter((waitMs) => waitMs <= 1_500);
  expect(brisk.reduce((sum, waitMs) => sum + waitMs, 0)).toBeGreaterThanOrEqual(29_000);
  expect(Math.max(...waits)).toBeGreaterThan(5_000);
});

it('is as brisk when the relay is killed every five seconds', () => {
  const { clock, it: subject } = reconnects(1);
  for (let kill = 0; kill < 120; kill += 1) {
    subject.succeeded();
    clock.advance(2_500);
    expect(Math.max(...outage(clock, subject, 2_500))).toBeLessThanOrEqual(1_500);
  }
});

it('is not taken in by a relay that throws out whom it has just let in', () => {
  const { clock, it: subject } = reconnects(1);
  let waitMs = 0;
  for (let attempt = 0; attempt < 10; attempt += 1) {
    subject.succeeded();
    clock.advance(500);
    waitMs = subject.ended('lost');
    clock.advance(waitMs);
  }
  expect(waitMs).toBeGreaterThan(5_000);
});
