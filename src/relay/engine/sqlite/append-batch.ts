import type { ChannelName } from '../../../base/channel-name.ts';
import type { EntryKind, PublishAnswer, Submission } from '../../../transport/index.ts';
import type { AppendRequest, Publisher } from '../log-engine.ts';

/**
 * Append requests on their way to the worker. All byte strings lie one behind the other in one buffer that is
 * transferred: cloning a view would copy the whole frame that it is a view of.
 */
export interface AppendBatch {
  readonly requests: readonly PackedRequest[];
  readonly bytes: ArrayBuffer;
}

interface PackedRequest {
  readonly channel: ChannelName;
  readonly by: Publisher | undefined;
  readonly groupBytes: number;
  readonly submissions: readonly PackedSubmission[];
}

/** Lengths of the byte strings, in the order in which they lie in the buffer. */
interface PackedSubmission {
  readonly kind: EntryKind;
  readonly epoch: bigint;
  readonly idBytes: number;
  readonly payloadBytes: number;
  readonly welcomes: readonly { readonly refBytes: readonly number[]; readonly payloadBytes: number }[];
}

/** Bytes that a request takes in a batch: what a queue of requests holds. */
export function requestBytes({ group, submissions }: AppendRequest): number {
  let bytes = group.length;
  for (const { messageId, payload, welcomes = [] } of submissions) {
    bytes += messageId.length + payload.length;
    for (const welcome of welcomes) {
      bytes += welcome.payload.length;
      for (const ref of welcome.keyPackageRefs) bytes += ref.length;
    }
  }
  return bytes;
}

/** Copies requests into a batch. */
export function packBatch(requests: readonly AppendRequest[]): AppendBatch {
  const target = new Uint8Array(requests.reduce((sum, request) => sum + requestBytes(request), 0));
  let offset = 0;
  const put = (bytes: Uint8Array): number => {
    target.set(bytes, offset);
    offset += bytes.length;
    return bytes.length;
  };
  const packed = requests.map(({ channel, group, by, submissions }) => ({
    channel,
    by,
    groupBytes: put(group),
    submissions: submissions.map(({ kind, epoch, messageId, payload, welcomes = [] }) => ({
      kind,
      epoch,
      idBytes: put(messageId),
      payloadBytes: put(payload),
      welcomes: welcomes.map((welcome) => ({
        refBytes: welcome.keyPackageRefs.map(put),
        payloadBytes: put(welcome.payload),
      })),
    })),
  }));
  return { requests: packed, bytes: target.buffer };
}

/** The requests of a batch; their byte strings are views into its buffer. */
export function unpackBatch({ requests, bytes }: AppendBatch): AppendRequest[] {
  let offset = 0;
  const take = (length: number): Uint8Array => {
    const view = new Uint8Array(bytes, offset, length);
    offset += length;
    return view;
  };
  return requests.map(({ channel, by, groupBytes, submissions }) => ({
    channel,
    ...(by === undefined ? {} : { by }),
    group: take(groupBytes),
    submissions: submissions.map(
      ({ kind, epoch, idBytes, payloadBytes, welcomes }): Submission => ({
        kind,
        epoch,
        messageId: take(idBytes),
        payload: take(payloadBytes),
        welcomes: welcomes.map((welcome) => ({
          keyPackageRefs: welcome.refBytes.map(take),
          payload: take(welcome.payloadBytes),
        })),
      }),
    ),
  }));
}

/**
 * Answers on their way back. Nearly all requests are accepted as a whole and get consecutive numbers; those travel as two
 * numbers, because cloning an object per submission costs as much as storing it.
 */
export type PackedAnswers = { readonly firstSeq: number; readonly count: number } | readonly PublishAnswer[];

/** Packs the answers to one request. */
export function packAnswers(answers: readonly PublishAnswer[]): PackedAnswers {
  const [first] = answers;
  if (first?.kind !== 'accepted') return answers;
  const isPlain = answers.every(
    (answer, index) => answer.kind === 'accepted' && !answer.duplicate && answer.seq === first.seq + index,
  );
  return isPlain ? { firstSeq: first.seq, count: answers.length } : answers;
}

/** The answers to one request. */
export function unpackAnswers(packed: PackedAnswers): readonly PublishAnswer[] {
  if (!('firstSeq' in packed)) return packed;
  const { firstSeq, count } = packed;
  return Array.from({ length: count }, (_, index) => ({ kind: 'accepted', seq: firstSeq + index, duplicate: false }));
}
