import type { DeadLetterReason } from './dead-letter.ts';
import type { Lifecycle } from './lifecycle.ts';

/** Version of {@link InspectionEvent}: raised when a reader of the old one would misread it. */
export const INSPECTION_VERSION = 1;

/** What happened in a system, without any payload: made for watching it run. */
export type InspectionEvent = {
  readonly version: typeof INSPECTION_VERSION;
  /** Counts all events of the system from 1: a reader sees where it missed some. */
  readonly id: number;
  /** Unix ms. */
  readonly atMs: number;
  readonly path: string;
} & (
  | { readonly kind: 'spawned' }
  | { readonly kind: 'lifecycle'; readonly lifecycle: Lifecycle['kind']; readonly incarnation: number }
  | {
      readonly kind: 'crashed';
      readonly incarnation: number;
      /** Name and message of the error. Whose error it is decides what its message holds. */
      readonly error: string;
      /** Of the error's class. */
      readonly errorName: string;
      /** The stable code of one of our errors. */
      readonly errorCode: string | undefined;
      readonly restartsLeft: number;
    }
  | { readonly kind: 'deadLetter'; readonly reason: DeadLetterReason }
);

/** An actor as it is at this moment. */
export interface ActorSnapshot {
  readonly path: string;
  readonly lifecycle: Lifecycle['kind'];
  readonly incarnation: number;
  /** Messages that wait, and as how many may. */
  readonly depth: number;
  readonly capacity: number;
  /** Since when the one that is next has waited, Unix ms, to within a turn of the event loop. `undefined` if none waits. */
  readonly oldestSinceMs: number | undefined;
  /** Messages that were set aside. */
  readonly stashed: number;
  /** Messages under way. */
  readonly inFlight: number;
  /** Messages that were delivered to it since it was spawned. */
  readonly handled: number;
  /** Restarts that are left in the present window, and how many it has in all. */
  readonly restartsLeft: number;
  readonly restartsMax: number;
  /** When it is started again, Unix ms, while it backs off. */
  readonly restartAtMs: number | undefined;
  /** Text of the last crash. */
  readonly lastError: string | undefined;
  /** Name of its class, and the stable code of one of our errors. */
  readonly lastErrorName: string | undefined;
  readonly lastErrorCode: string | undefined;
  readonly children: readonly ActorSnapshot[];
}

type WithoutStamp<Event> = Event extends { readonly kind: string } ? Omit<Event, 'version' | 'id' | 'atMs'> : never;

/** @internal What happened, before the system stamps it. */
export type Happening = WithoutStamp<InspectionEvent>;
