import type { ChannelEvent } from '../../actors/channel/index.ts';
import { type Json, toTapeValue } from './tape-value.ts';

/** An event as it stands on a tape, with something else in place of its payload. */
export function recordedEvent(
  event: ChannelEvent,
  redact: (payload: Uint8Array, seq: number | undefined) => Uint8Array,
): Json {
  if (event.kind === 'fault') {
    const { fault } = event;
    if (!('payload' in fault)) return toTapeValue(event);
    const seq = 'seq' in fault ? fault.seq : undefined;
    return toTapeValue({ ...event, fault: { ...fault, payload: redact(fault.payload, seq) } });
  }
  if (!('payload' in event) || event.payload === undefined) return toTapeValue(event);
  return toTapeValue({ ...event, payload: redact(event.payload, event.seq) });
}

/**
 * Faults that do not follow from what the actor was told: the user's side of the channel has made them, or a desk that asks the
 * control plane.
 */
const FROM_OUTSIDE: ReadonlySet<string> = new Set([
  'overflow',
  'source-error',
  'handler-failed',
  'late-reply',
  'respond-failed',
  'unread',
  'join-refused',
  'control-plane',
  'removal-refused',
]);

/** Whether an event does not follow from what the actor was told. */
export function isFromOutside(event: ChannelEvent): boolean {
  return event.kind === 'fault' && FROM_OUTSIDE.has(event.fault.kind);
}
