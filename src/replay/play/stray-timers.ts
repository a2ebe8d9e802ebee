import { AsyncLocalStorage } from 'node:async_hooks';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { fileURLToPath } from 'node:url';

type TimerName = 'setTimeout' | 'setInterval';
type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;
/** Where timers are to be had from. */
type Origin = Record<TimerName, AnyFunction>;

const NAMES: readonly TimerName[] = ['setTimeout', 'setInterval'];
const require = createRequire(import.meta.url);
/** Of these, what is imported by name is the same. */
const ORIGINS = [globalThis, require('node:timers'), require('node:timers/promises')] as unknown as readonly Origin[];
/** Frames from here, and from packages, are not where a timer was asked for. */
const OWN_FOLDER = fileURLToPath(new URL('../../', import.meta.url));

const present = new AsyncLocalStorage<StrayTimers>();
/** How to take off what is put around the timers, while somebody looks. */
let takeOff: (() => void) | undefined;
let watching = 0;

/**
 * Notices timers of the machine's clock that code under test starts while it is replayed: what waits for them depends on the machine. Only what
 * follows from the replay is looked at, and the timers are as they were when no replay runs.
 */
export class StrayTimers {
  /** Told where a timer was asked for, as a line of a stack. */
  onStray: (name: TimerName, where: string) => void = () => undefined;

  /** Does some work, all that follows from which is looked at while {@link StrayTimers.watch} is under way. */
  within<T>(work: () => T): T {
    return present.run(this, work);
  }

  /** Looks at what follows from some work, until that has ended. */
  async watch<T>(work: () => Promise<T>): Promise<T> {
    takeOff ??= putOn();
    watching += 1;
    try {
      return await this.within(work);
    } finally {
      watching -= 1;
      if (watching === 0) {
        takeOff();
        takeOff = undefined;
      }
    }
  }

  /** Does what may wait for the machine's clock. */
  static allowed<T>(work: () => T): T {
    return present.exit(work);
  }

  /** A timer was asked for. */
  static notice(name: TimerName): void {
    const stray = present.getStore();
    if (stray === undefined) return;
    const [, ...frames] = (new Error('a timer').stack ?? '').split('\n').map((line) => line.trim());
    const isForeign = (frame: string): boolean =>
      !frame.includes(OWN_FOLDER) && !frame.includes('node_modules') && !frame.includes('node:');
    stray.onStray(name, frames.find(isForeign) ?? frames.at(-1) ?? 'an unknown place');
  }
}

/** Puts something around all timers, and returns how to take it off. */
function putOn(): () => void {
  const restore = ORIGINS.flatMap((origin) => NAMES.map((name) => putAround(origin, name)));
  syncBuiltinESMExports();
  return () => {
    for (const each of restore) each();
    syncBuiltinESMExports();
  };
}

function putAround(origin: Origin, name: TimerName): () => void {
  const original = origin[name];
  const noticing: AnyFunction = function (...args) {
    StrayTimers.notice(name);
    return Reflect.apply(original, this, args);
  };
  // What `util.promisify` looks for is among them.
  Object.defineProperties(noticing, Object.getOwnPropertyDescriptors(original));
  origin[name] = noticing;
  return () => {
    // Somebody may have put theirs around it meanwhile, such as a test runner its fake timers: that stays.
    if (origin[name] === noticing) origin[name] = original;
  };
}
