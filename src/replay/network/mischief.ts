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
>;

/** What a client's transport asks a plan. */
export interface Mischief {
  /** Counts one more frame that is handed to the relay. */
  publish(submissions: readonly Submission[]): readonly PublishMischief[];
  /** Counts one more batch of entries on its way to the agent. */
  entries(batch: { readonly isFirst: boolean }): readonly EntriesMischief[];
  /** It has made a difference. */
  fired(fault: PublishMischief | EntriesMischief): void;
  /** Whether the agent holds back credit now. */
  isReadingSlowly(): boolean;
  /** Whether the relay holds back entries now. */
  isWithholding(): boolean;
}

/** The batch with its last payload changed, or cut to half. */
export function damage(entries: readonly LogEntry[], how: 'corrupt' | 'truncate'): readonly LogEntry[] {
  const last = entries.at(-1);
  if (last === undefined) return entries;
  const payload =
    how === 'truncate'
      ? last.payload.slice(0, last.payload.length >> 1)
      : last.payload.map((byte, index) => (index === last.payload.length - 1 ? byte ^ 1 : byte));
  return [...entries.slice(0, -1), { ...last, payload }];
}
