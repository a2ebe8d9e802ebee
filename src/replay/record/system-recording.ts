import type { ActorSnapshot, ActorSystem, InspectionEvent } from '../../actors/index.ts';
import { type Clock, systemClock } from '../../base/clock.ts';
import type { StateKey } from '../../mls/index.ts';
import { deferred } from '../../actors/channel/index.ts';
import type { Recording } from './recording.ts';
import { reportToHost } from '../../streams/index.ts';
import { TapeCipher } from '../tape/tape-cipher.ts';
import type { TapeSink } from './tape-sink.ts';
import { TAPE_VERSION } from '../tape/tape-record.ts';
import { toTapeValue } from '../tape/tape-value.ts';
import { TapeWriter } from './tape-writer.ts';

/** Options of `record` for a system of actors. */
export interface SystemRecordOptions {
  /** Encrypts the tape. Default: it is not encrypted. */
  readonly key?: StateKey;
  /** Keeps the texts of errors, which may hold anything. Default: their names and codes alone are kept. */
  readonly keepErrorTexts?: boolean;
  /** The clock that the system was given, if it was given one. */
  readonly clock?: Pick<Clock, 'now'>;
}

/** Records what happens in a system of actors. See `record`. */
export async function recordSystem(
  system: ActorSystem,
  sink: TapeSink,
  { key, keepErrorTexts = false, clock = systemClock }: SystemRecordOptions,
): Promise<Recording> {
  const cipher = key === undefined ? undefined : await TapeCipher.create(key);
  const { promise: done, resolve, reject } = deferred<number>();
  // Whoever does not look at it is not to be killed by it: `stop` tells it as well.
  done.catch(() => undefined);
  const startedAtMs = clock.now();
  const writer = new TapeWriter(
    {
      kind: 'header',
      format: 'skytale-tape',
      version: TAPE_VERSION,
      mode: 'system',
      startedAtMs,
      ...(cipher && { protection: cipher.protection }),
    },
    sink,
    cipher,
    (error) => {
      subscription.unsubscribe();
      reject(error);
    },
  );
  let isOver = false;
  const end = (): void => {
    if (isOver) return;
    isOver = true;
    writer.write('end', clock.now());
    writer.close().then(() => resolve(writer.records), reject);
  };
  const note = (event: InspectionEvent): object =>
    event.kind === 'crashed' && !keepErrorTexts ? { ...event, error: event.errorName } : event;
  const snapshot = (actor: ActorSnapshot): ActorSnapshot => ({
    ...actor,
    lastError: keepErrorTexts ? actor.lastError : actor.lastErrorName,
    children: actor.children.map(snapshot),
  });
  writer.write('start', startedAtMs, toTapeValue({ actors: system.snapshot().map(snapshot) }));
  const subscription = system.inspect$.subscribe({
    next: (event) => writer.write('inspected', event.atMs, toTapeValue(note(event))),
    error: reportToHost,
    complete: end,
  });
  return {
    get records() {
      return writer.records;
    },
    done,
    stop: () => {
      subscription.unsubscribe();
      end();
      return done;
    },
  };
}
