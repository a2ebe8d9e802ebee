import type { Json } from './tape-value.ts';

/** The newest version of tapes that is read, and the one that is written. */
export const TAPE_VERSION = 1;

/**
 * - `plaintext`: what the channel has shown, and what was asked of it. Plays at any speed, without cryptography.
 * - `wire`: ciphertexts, the group's state at the beginning, and everything else that decided what the channel did. Plays with
 *   real MLS. It holds the keys of the group: it is always encrypted.
 * - `system`: what happened in a system of actors, without payloads.
 */
export type TapeMode = 'plaintext' | 'wire' | 'system';

/** The first line of a tape. Never encrypted. */
export interface TapeHeader {
  readonly kind: 'header';
  readonly format: 'skytale-tape';
  readonly version: number;
  readonly mode: TapeMode;
  /** `org/namespace/service`; absent where it is of a system. */
  readonly channel?: string;
  /** By the clock of who recorded, Unix milliseconds. */
  readonly startedAtMs: number;
  /** What was done to payloads of a `plaintext` tape. */
  readonly payloads?: 'hashed' | 'kept' | 'redacted';
  /** How the lines behind this one are encrypted; absent if they are not. Not secret. */
  readonly protection?: string;
}

/**
 * One thing that happened. `n` counts from 1 without gaps; `atMs` is by the clock of who recorded, since the start.
 *
 * - `start`: how the channel was at the beginning.
 * - `turn`: the actor has taken so many `inputs` and `sends`, which follow, out of its mailbox at once.
 * - `input`: something from the relay, from a timer, from the user or from the channel itself.
 * - `send`, `commit`, `leave`: asked for by the user, under a number. `settled`: what came of it.
 * - `now`, `bytes`, `fraction`, `timer`, `saved`, `loaded`, `staged`, `proposed`, `stopped-now`: what a port has answered.
 * - `emitted`: an event was shown. `state`: the channel's state has changed.
 * - `inspected`: something happened in a system.
 * - `end`: the recording was ended, or the channel or system.
 */
export interface TapeRecord {
  readonly n: number;
  readonly atMs: number;
  readonly kind: TapeRecordKind;
  /** What it was, as it stands on the tape. */
  readonly value: Json;
}

/** What a {@link TapeRecord} tells of. */
export type TapeRecordKind =
  | 'start'
  | 'turn'
  | 'input'
  | 'send'
  | 'commit'
  | 'leave'
  | 'settled'
  | 'now'
  | 'bytes'
  | 'fraction'
  | 'timer'
  | 'saved'
  | 'loaded'
  | 'staged'
  | 'proposed'
  | 'stopped-now'
  | 'emitted'
  | 'state'
  | 'inspected'
  | 'end';
