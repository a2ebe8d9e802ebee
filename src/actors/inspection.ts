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
  | { readonly kind: 'crashed'; readonly incarnation: number; readonly error: string; readonly restartsLeft: number }
  | { readonly kind: 'deadLetter'; readonly reason: DeadLetterReason }
);

/** An actor as it is at this moment. */
export interface ActorSnapshot {
  readonly path: string;
  readonly lifecycle: Lifecycle['kind'];
  readonly incarnation: number;
  /** Messages that wait, and those set aside. */
  readonly depth: number;
  readonly stashed: number;
  /** Messages under way. */
  readonly inFlight: number;
  readonly restartsLeft: number;
  /** Text of the last crash. */
  readonly lastError: string | undefined;
  readonly children: readonly ActorSnapshot[];
}

type WithoutStamp<Event> = Event extends { readonly kind: string } ? Omit<Event, 'version' | 'id' | 'atMs'> : never;

/** @internal What happened, before the system stamps it. */
export type Happening = WithoutStamp<InspectionEvent>;
