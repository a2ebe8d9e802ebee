import type { Clock } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import type { Outcome, PortOutcome, TapSwitch } from './channel-tap.ts';
import { type GroupSteps, groupSteps } from './group-steps.ts';
import type { RecordStore } from './record-store.ts';
import type { ActorPorts, ChannelPorts } from './workbench.ts';

/** `ports`, whose answers are told to the tap that is on. */
export function tappedPorts(ports: ChannelPorts, tap: TapSwitch): ActorPorts {
  const { clock, random, store, steps = groupSteps } = ports;
  return {
    ...ports,
    clock: tappedClock(clock, tap),
    random: tappedRandom(random, tap),
    store: tappedStore(store, tap),
    steps: tappedSteps(steps, tap),
  };
}

function tappedClock(clock: Clock, tap: TapSwitch): Clock {
  return {
    now: () => {
      const nowMs = clock.now();
      tap.current?.outcome({ kind: 'now', nowMs });
      return nowMs;
    },
    schedule: (delayMs, task) => {
      const fired = tap.timer();
      return clock.schedule(delayMs, () => {
        fired();
        task();
      });
    },
  };
}

function tappedRandom(random: Random, tap: TapSwitch): Random {
  return {
    bytes: (length) => {
      const bytes = random.bytes(length);
      tap.current?.outcome({ kind: 'bytes', bytes });
      return bytes;
    },
    fraction: () => {
      const fraction = random.fraction();
      tap.current?.outcome({ kind: 'fraction', fraction });
      return fraction;
    },
  };
}

function tappedStore(store: RecordStore, tap: TapSwitch): RecordStore {
  return {
    saveChannel: async (record) => {
      const ended = tap.save();
      await heard(store.saveChannel(record), (outcome) => ended(outcome.ok ? { ok: true, value: undefined } : outcome));
    },
    loadChannel: (name) => heard(store.loadChannel(name), told(tap, 'loaded')),
  };
}

function tappedSteps(steps: GroupSteps, tap: TapSwitch): GroupSteps {
  return {
    commitChange: (...given) => heard(steps.commitChange(...given), told(tap, 'staged')),
    proposeLeave: (...given) => heard(steps.proposeLeave(...given), told(tap, 'proposed')),
  };
}

function told<K extends 'loaded' | 'staged' | 'proposed'>(
  tap: TapSwitch,
  kind: K,
): (outcome: Extract<PortOutcome, { kind: K }>['outcome']) => void {
  return (outcome) => tap.current?.outcome({ kind, outcome } as Extract<PortOutcome, { kind: K }>);
}

async function heard<T>(work: Promise<T>, hear: (outcome: Outcome<T>) => void): Promise<T> {
  try {
    const value = await work;
    hear({ ok: true, value });
    return value;
  } catch (error) {
    hear({ ok: false, error });
    throw error;
  }
}
