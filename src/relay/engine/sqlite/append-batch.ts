import type { ChannelName } from '../../../base/channel-name.ts';
import type { PublishAnswer, Submission, WelcomeSubmission } from '../../../transport/index.ts';
import type { AppendRequest, Publisher } from '../log-engine.ts';
import { bufferFor } from './spare-buffer.ts';

/**
 * Append requests on their way to the worker. All byte strings lie one behind the other in one buffer that is
 * transferred: cloning a view would copy the whole frame that it is a view of.
 */
export interface AppendBatch {
  readonly requests: readonly PackedRequest[];
  readonly bytes: ArrayBuffer;
  /** {@link NUMBERS} for each submission, in order: cloning an object for each costs as much as storing it. */
  readonly numbers: Float64Array;
}

interface PackedRequest {
  readonly channel: ChannelName;
  readonly by: Publisher | undefined;
  readonly groupBytes: number;
  readonly submissions: number;
  /** Of the submissions that have any, by their place in the request. */
  readonly welcomes: readonly (readonly [place: number, welcomes: readonly PackedWelcome[]])[];
}

/** Lengths of the byte strings of a Welcome, in the order in which they lie in the buffer. */
interface PackedWelcome {
  readonly refBytes: readonly number[];
  readonly payloadBytes: number;
}

/** What stands for a submission: kind (0 for a message), epoch, lengths of id and payload. */
const NUMBERS = 4;

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

/**
 * Copies requests into a batch.
 *
 * @param spare of a batch before that has come back
 */
export function packBatch(requests: readonly AppendRequest[], spare?: ArrayBuffer): AppendBatch {
  const length = requests.reduce((sum, request) => sum + requestBytes(request), 0);
  const bytes = new Uint8Array(bufferFor(length, spare));
  const numbers = new Float64Array(NUMBERS * requests.reduce((sum, { submissions }) => sum + submissions.length, 0));
  let offset = 0;
  let at = 0;
  const put = (part: Uint8Array): number => {
    bytes.set(part, offset);
    offset += part.length;
    return part.length;
  };
  const packed = requests.map(({ channel, group, by, submissions }) => {
    const groupBytes = put(group);
    const welcomes: [number, PackedWelcome[]][] = [];
    for (const [place, { kind, epoch, messageId, payload, welcomes: some = [] }] of submissions.entries()) {
      numbers[at] = kind === 'commit' ? 1 : 0;
      // What a double cannot hold is further than any log goes: it is as unknown as the largest number.
      numbers[at + 1] = Math.min(Number(epoch), Number.MAX_SAFE_INTEGER);
      numbers[at + 2] = put(messageId);
      numbers[at + 3] = put(payload);
      at += NUMBERS;
      if (some.length > 0) welcomes.push([place, some.map((welcome) => packWelcome(welcome, put))]);
    }
    return { channel, by, groupBytes, submissions: submissions.length, welcomes };
  });
  return { requests: packed, bytes: bytes.buffer, numbers };
}

function packWelcome({ keyPackageRefs, payload }: WelcomeSubmission, put: (part: Uint8Array) => number): PackedWelcome {
  return { refBytes: keyPackageRefs.map((ref) => put(ref)), payloadBytes: put(payload) };
}

/** The requests of a batch; their byte strings are views into its buffer. */
export function unpackBatch({ requests, bytes, numbers }: AppendBatch): AppendRequest[] {
  let offset = 0;
  let at = 0;
  const take = (length: number): Uint8Array => {
    const view = new Uint8Array(bytes, offset, length);
    offset += length;
    return view;
  };
  return requests.map(({ channel, by, groupBytes, submissions: count, welcomes }) => {
    const group = take(groupBytes);
    const welcomesOf = new Map(welcomes);
    const submissions: Submission[] = [];
    for (let place = 0; place < count; place += 1) {
      const kind = numbers[at] === 1 ? 'commit' : 'message';
      const epoch = BigInt(numbers[at + 1] as number);
      const messageId = take(numbers[at + 2] as number);
      const payload = take(numbers[at + 3] as number);
      at += NUMBERS;
      const some = welcomesOf.get(place);
      const submission = { kind, epoch, messageId, payload } as const;
      if (some === undefined) submissions.push(submission);
      else submissions.push({ ...submission, welcomes: some.map((welcome) => unpackWelcome(welcome, take)) });
    }
    return { channel, group, submissions, ...(by === undefined ? {} : { by }) };
  });
}

function unpackWelcome(
  { refBytes, payloadBytes }: PackedWelcome,
  take: (length: number) => Uint8Array,
): WelcomeSubmission {
  return { keyPackageRefs: refBytes.map((length) => take(length)), payload: take(payloadBytes) };
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
  const answers: PublishAnswer[] = [];
  for (let index = 0; index < count; index += 1) {
    answers.push({ kind: 'accepted', seq: firstSeq + index, duplicate: false });
  }
  return answers;
}
