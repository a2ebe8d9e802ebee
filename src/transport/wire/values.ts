import type { MessageInitShape } from '@bufbuild/protobuf';
import { copyBytes } from '../../base/bytes.ts';
import { parseChannelName } from '../../base/channel-name.ts';
import type { ChannelName } from '../../base/channel-name.ts';
import { TransportError } from '../../base/errors.ts';
import { EntryKind as WireKind, NoticeTopic as WireTopic } from '../gen/skytale/relay/v1/relay_pb.ts';
import type {
  Answer,
  AnswerSchema,
  Entry,
  EntrySchema,
  Quota as WireQuota,
  QuotaSchema,
  Submission as WireSubmission,
  Subscribe,
  SubmissionSchema,
  WelcomeDelivery as WireWelcomeDelivery,
} from '../gen/skytale/relay/v1/relay_pb.ts';
import type {
  EntryKind,
  LinkStart,
  LogEntry,
  NoticeTopic,
  PublishAnswer,
  Quota,
  Submission,
  WelcomeDelivery,
} from '../relay-transport.ts';
import { refusalFromWire, refusalToWire } from './refusals.ts';

/** Bytes of a message id. */
export const MESSAGE_ID_BYTES = 16;
/** Bytes of the name of an MLS group. */
export const GROUP_BYTES = 16;

/**
 * A 64-bit field as a number.
 *
 * @throws {@link TransportError} `protocol_error` above 2^53 - 1, which no honest sequence number or time reaches.
 */
export function safeNumber(field: string, value: bigint): number {
  if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  throw new TransportError('protocol_error', `${field} is above 2^53 - 1`);
}

/** An entry for a `Deliver` frame. Shares its bytes with `entry`. */
export function entryToWire(entry: LogEntry): MessageInitShape<typeof EntrySchema> {
  return {
    seq: BigInt(entry.seq),
    prevSeq: BigInt(entry.prevSeq),
    kind: kindToWire(entry.kind),
    epoch: entry.epoch,
    messageId: entry.messageId,
    payload: entry.payload,
    storedAtMs: BigInt(entry.storedAtMs),
  };
}

/**
 * An entry of a `Deliver` frame. Its bytes are views into the received frame.
 *
 * @throws {@link TransportError} `protocol_error` for an unknown kind, a message id of another length than 16 bytes, a
 * sequence number that does not follow its predecessor.
 */
export function entryFromWire(entry: Entry): LogEntry {
  const seq = safeNumber('seq', entry.seq);
  const prevSeq = safeNumber('prev_seq', entry.prevSeq);
  if (seq <= prevSeq) throw new TransportError('protocol_error', `entry ${seq} names ${prevSeq} as its predecessor`);
  return {
    seq,
    prevSeq,
    kind: kindFromWire(entry.kind),
    epoch: entry.epoch,
    messageId: checkLength('message_id', entry.messageId, MESSAGE_ID_BYTES),
    payload: entry.payload,
    storedAtMs: safeNumber('stored_at_ms', entry.storedAtMs),
  };
}

/** A submission for a `Publish` frame. Shares its bytes with `submission`. */
export function submissionToWire(submission: Submission): MessageInitShape<typeof SubmissionSchema> {
  return {
    kind: kindToWire(submission.kind),
    epoch: submission.epoch,
    messageId: submission.messageId,
    payload: submission.payload,
    welcomes:
      submission.welcomes?.map(({ keyPackageRefs, payload }) => ({ keyPackageRefs: [...keyPackageRefs], payload })) ??
      [],
  };
}

/**
 * A submission of a `Publish` frame. Its bytes are views into the received frame.
 *
 * @throws {@link TransportError} `protocol_error` for an unknown kind, a message id of another length than 16 bytes, a
 * message with Welcomes. A relay answers that one submission with `malformed`.
 */
export function submissionFromWire(submission: WireSubmission): Submission {
  const kind = kindFromWire(submission.kind);
  if (kind !== 'commit' && submission.welcomes.length > 0) {
    throw new TransportError('protocol_error', 'a Welcome came without a commit');
  }
  return {
    kind,
    epoch: submission.epoch,
    messageId: checkLength('message_id', submission.messageId, MESSAGE_ID_BYTES),
    payload: submission.payload,
    welcomes: submission.welcomes.map(({ keyPackageRefs, payload }) => ({ keyPackageRefs, payload })),
  };
}

/** An answer for a `Published` frame. */
export function answerToWire(answer: PublishAnswer): MessageInitShape<typeof AnswerSchema> {
  if (answer.kind === 'accepted') {
    return { result: { case: 'accepted', value: { seq: BigInt(answer.seq), duplicate: answer.duplicate } } };
  }
  const { reason, detail, currentEpoch, retryAfterMs = 0 } = answer;
  const value = { reason: refusalToWire(reason), detail, currentEpoch, retryAfterMs: BigInt(retryAfterMs) };
  return { result: { case: 'refused', value } };
}

/**
 * An answer of a `Published` frame.
 *
 * @throws {@link TransportError} `protocol_error` for an answer that neither accepts nor refuses.
 */
export function answerFromWire({ result }: Answer): PublishAnswer {
  switch (result.case) {
    case 'accepted':
      return { kind: 'accepted', seq: safeNumber('seq', result.value.seq), duplicate: result.value.duplicate };
    case 'refused': {
      const { reason, detail, currentEpoch } = result.value;
      const refused = { kind: 'refused', reason: refusalFromWire(reason), detail, currentEpoch } as const;
      const retryAfterMs = safeNumber('retry_after_ms', result.value.retryAfterMs);
      return retryAfterMs === 0 ? refused : { ...refused, retryAfterMs };
    }
    case undefined:
      throw new TransportError('protocol_error', 'an answer neither accepts nor refuses');
  }
}

/** The quota of a `Published` frame. */
export function quotaToWire({ limit, remaining, resetsAtMs }: Quota): MessageInitShape<typeof QuotaSchema> {
  return { limit: BigInt(limit), remaining: BigInt(remaining), resetsAtMs: BigInt(resetsAtMs) };
}

/**
 * The quota of a `Published` frame.
 *
 * @throws {@link TransportError} `protocol_error` for a number above 2^53 - 1.
 */
export function quotaFromWire(quota: WireQuota): Quota {
  return {
    limit: safeNumber('limit', quota.limit),
    remaining: safeNumber('remaining', quota.remaining),
    resetsAtMs: safeNumber('resets_at_ms', quota.resetsAtMs),
  };
}

/** The `start` of a `Subscribe` frame. */
export function startToWire(start: LinkStart): NonNullable<Subscribe['start']> {
  return 'afterSeq' in start
    ? { case: 'afterSeq', value: BigInt(start.afterSeq) }
    : { case: 'afterCommitOfEpoch', value: start.afterCommitOfEpoch };
}

/**
 * The `start` of a `Subscribe` frame; a frame without one starts at the beginning.
 *
 * @throws {@link TransportError} `protocol_error` for a sequence number above 2^53 - 1.
 */
export function startFromWire(start: Subscribe['start']): LinkStart {
  if (start.case === 'afterCommitOfEpoch') return { afterCommitOfEpoch: start.value };
  return { afterSeq: start.case === undefined ? 0 : safeNumber('after_seq', start.value) };
}

/** The `topic` of a `Notice` frame. */
export function noticeTopicToWire(topic: NoticeTopic): WireTopic {
  return topic === 'removals' ? WireTopic.REMOVALS : WireTopic.JOIN_REQUESTS;
}

/** The topic of a `Notice` frame; `undefined` for one that only a newer relay knows. */
export function noticeTopicFromWire(topic: WireTopic): NoticeTopic | undefined {
  if (topic === WireTopic.JOIN_REQUESTS) return 'join-requests';
  return topic === WireTopic.REMOVALS ? 'removals' : undefined;
}

/**
 * A Welcome from a `WelcomeDelivery` frame. Shares no memory with the frame: it may wait long for its owner.
 *
 * @throws {@link TransportError} `protocol_error` for a channel name that is none, or a sequence number above 2^53 - 1.
 */
export function welcomeFromWire({ channel, commitSeq, payload }: WireWelcomeDelivery): WelcomeDelivery {
  return {
    channel: channelFromWire(channel),
    commitSeq: safeNumber('commit_seq', commitSeq),
    payload: copyBytes(payload),
  };
}

function channelFromWire(name: string): ChannelName {
  try {
    return parseChannelName(name);
  } catch (cause) {
    throw new TransportError('protocol_error', 'a Welcome names no channel', { cause });
  }
}

function kindToWire(kind: EntryKind): WireKind {
  return kind === 'commit' ? WireKind.COMMIT : WireKind.MESSAGE;
}

function kindFromWire(kind: WireKind): EntryKind {
  if (kind === WireKind.MESSAGE) return 'message';
  if (kind === WireKind.COMMIT) return 'commit';
  throw new TransportError('protocol_error', `unknown kind of entry ${kind}`);
}

function checkLength(field: string, bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length === length) return bytes;
  throw new TransportError('protocol_error', `${field} has ${bytes.length} bytes instead of ${length}`);
}
