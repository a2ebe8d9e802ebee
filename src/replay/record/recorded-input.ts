import type { ChannelInput } from '../../actors/channel/index.ts';
import { encodeGroup } from '../../mls/index.ts';
import type { Submission } from '../../transport/index.ts';
import { type Json, toTapeValue } from '../tape/tape-value.ts';

/** What stands on a `wire` tape of an input. */
export function recordedInput(message: ChannelInput): Json {
  switch (message.kind) {
    // Who looks at a replay decides for itself when it begins to; the actor has a turn all the same.
    case 'open-gate':
      return { kind: 'wake' };
    case 'consume':
    case 'release':
    case 'leave':
      return { kind: message.kind };
    case 'commit': {
      const { change, notes, onlyInEpoch, isAlone } = message.request;
      return toTapeValue({ kind: 'commit', request: { change, notes, onlyInEpoch, isAlone } });
    }
    case 'rejoined': {
      const { group, commitSeq } = message;
      return toTapeValue({ kind: 'rejoined', group: encodeGroup(group), commitSeq });
    }
    case 'answers':
    case 'unanswered':
      return toTapeValue({ ...message, submissions: message.submissions.map(withoutPayload) });
    default:
      return toTapeValue(message);
  }
}

/** What was submitted is known to who plays the tape: it has submitted the same. */
function withoutPayload({ kind, epoch, messageId }: Submission): Omit<Submission, 'payload'> {
  return { kind, epoch, messageId };
}
