import type { InspectionEvent } from '../actors/index.ts';
import type { ChannelEvent } from '../actors/channel/index.ts';
import type { FaultLabels } from './faults.ts';
import type { FeedEvent } from './frame.ts';

/** What an actor system tells, as the feed tells it. */
export function actorFeedEvent(event: InspectionEvent, labels: FaultLabels): FeedEvent {
  switch (event.kind) {
    case 'spawned':
      return { kind: 'spawned' };
    case 'lifecycle':
      return { kind: 'lifecycle', lifecycle: event.lifecycle, incarnation: event.incarnation };
    case 'crashed': {
      const { incarnation, restartsLeft, errorName, errorCode, error } = event;
      return { kind: 'crashed', incarnation, restartsLeft, fault: labels.ofCrash(errorName, errorCode, error) };
    }
    case 'deadLetter':
      return { kind: 'dead-letter', reason: event.reason };
  }
}

/** What happens on a channel, as the feed tells it; `undefined` for what it counts only. */
export function channelFeedEvent(event: ChannelEvent, labels: FaultLabels): FeedEvent | undefined {
  if (event.kind === 'epoch-change') {
    const { epoch, added, removed } = event;
    return { kind: 'epoch', epoch: String(epoch), added: added.length, removed: removed.length };
  }
  if (event.kind !== 'fault') return undefined;
  const { fault } = event;
  return { kind: 'fault', fault: labels.ofError('error' in fault ? fault.error : undefined, fault.kind) };
}
