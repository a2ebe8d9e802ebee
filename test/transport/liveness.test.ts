import { describe, expect, it } from 'vitest';
import { checkOptions } from '../../src/transport/grpc/options.ts';
import { Liveness } from '../../src/transport/grpc/liveness.ts';
import { ManualClock } from '../streams/support.ts';

/** A liveness with the intervals that hold by default. */
function watch(): { clock: ManualClock; liveness: Liveness; events: string[] } {
  const clock = new ManualClock();
  const events: string[] = [];
  const start = clock.now();
  const note = (what: string) => () => void events.push(`${what} at ${clock.now() - start}`);
  const { pingAfterMs, lostAfterMs } = checkOptions({ endpoint: 'http://127.0.0.1:5000' });
  const liveness = new Liveness({ clock, pingAfterMs, lostAfterMs, ping: note('ping'), lost: note('lost') });
  return { clock, liveness, events };
}

describe('liveness, by default', () => {
  it('pings after 5 s of silence and gives up after 11 s', () => {
    const { clock, events } = watch();
    clock.advance(60_000);

    expect(events).toEqual(['ping at 5000', 'ping at 10000', 'lost at 11000']);
    expect(clock.pending).toBe(0);
  });

  it('notices silence within 12 s, whenever it begins', () => {
    for (let lastSignAtMs = 1; lastSignAtMs < 10_000; lastSignAtMs += 777) {
      const { clock, liveness, events } = watch();
      clock.advance(lastSignAtMs);
      liveness.heard();
      clock.advance(12_000);

      expect(events.at(-1)).toMatch(/^lost/);
    }
  });

  it('stays quiet while the peer talks', () => {
    const { clock, liveness, events } = watch();
    for (let second = 0; second < 100; second += 1) {
      clock.advance(4000);
      liveness.heard();
    }

    expect(events).toEqual([]);
    liveness.stop();
    clock.advance(60_000);
    expect(events).toEqual([]);
  });
});
