import type { LogEntry, Submission } from '../../transport/index.ts';
import type { FaultOf } from '../faults/fault.ts';

/** What goes wrong with one frame that an agent publishes. */
export type PublishMischief = FaultOf<
  'lose-publish' | 'lose-answer' | 'delay-publish' | 'delay-answer' | 'refuse-publish' | 'relay-crash'
>;

/** What goes wrong with one batch of entries on its way to an agent. */
export type EntriesMischief = FaultOf<
  | 'delay-entries'
  | 'reorder-entries'
  | 'drop-entries'
  | 'duplicate-entries'
  | 'repeat-entries'
  | 'corrupt-entries'
  | 'truncate-entries'
  | 'mislabel-entries'
>;

/** What goes wrong with one Welcome on its way to an agent. */
export type WelcomeMischief = FaultOf<'lose-welcome' | 'repeat-welcome'>;

/** What a client's transport asks a plan. */
export interface Mischief {
  /** Counts one more frame that is handed to the relay. */
  publish(submissions: readonly Submission[]): readonly PublishMischief[];
  /** Counts one more batch of entries on its way to the agent. */
  entries(batch: { readonly isFirst: boolean }): readonly EntriesMischief[];
  /** Counts one more Welcome on its way to the agent. */
  welcome(): readonly WelcomeMischief[];
  /** Counts one more commit that has lost its epoch, of anybody, with Welcomes. */
  lostCommit(): readonly FaultOf<'losing-welcome'>[];
  /** It has made a difference. */
  fired(fault: PublishMischief | EntriesMischief | WelcomeMischief | FaultOf<'losing-welcome'>): void;
  /** Whether the agent holds back credit now. */
  isReadingSlowly(): boolean;
  /** Whether the relay holds back entries now. */
  isWithholding(): boolean;
}

/** The batch, with its last entry as a fault makes it look. */
export function damage(entries: readonly LogEntry[], fault: EntriesMischief): readonly LogEntry[] {
  const last = entries.at(-1);
  if (last === undefined) return entries;
  const { payload, epoch } = last;
  switch (fault.kind) {
    case 'corrupt-entries':
      return replaceLast(entries, {
        ...last,
        payload: payload.map((byte, index) => (index === payload.length - 1 ? byte ^ 1 : byte)),
      });
    case 'truncate-entries':
      return replaceLast(entries, { ...last, payload: payload.slice(0, payload.length >> 1) });
    case 'mislabel-entries': {
      const told = epoch + BigInt(fault.epochs);
      return replaceLast(entries, { ...last, epoch: told < 0n ? 0n : told });
    }
    default:
      return entries;
  }
}

function replaceLast(entries: readonly LogEntry[], last: LogEntry): readonly LogEntry[] {
  return [...entries.slice(0, -1), last];
}
