import type { PublishAnswer, Submission } from '../relay-transport.ts';

/** What the relay told in `Ready`. */
export interface RelayLimits {
  readonly maxPayloadBytes: number;
  readonly maxBatchEntries: number;
  readonly maxFrameBytes: number;
}

/** How submissions travel: in which frames, and which of them are answered without asking the relay. */
export interface PublishPlan {
  readonly frames: readonly (readonly Submission[])[];
  /** By index of the submission, rising. */
  readonly refusals: ReadonlyMap<number, PublishAnswer>;
}

/** A frame that holds more than one submission stays below this, so that one that is on its way delays no other for long. */
const MAX_FRAME_BYTES = 2 ** 20;
/** What a frame with one submission has beside its payloads, at the most: the channel's name, ids, lengths. */
const FRAME_OVERHEAD_BYTES = 1024;

/**
 * Splits submissions into frames that the relay takes. One that is larger than it accepts is refused here: sent, it
 * would end the connection, and its sender would send it again on the next one.
 */
export function planPublish(submissions: readonly Submission[], limits: RelayLimits): PublishPlan {
  const frames: Submission[][] = [];
  const refusals = new Map<number, PublishAnswer>();
  let frame: Submission[] = [];
  let frameBytes = 0;
  submissions.forEach((submission, index) => {
    const bytes = submissionBytes(submission);
    const detail = tooLarge(submission, bytes, limits);
    if (detail !== undefined) {
      refusals.set(index, { kind: 'refused', reason: 'too-large', detail, currentEpoch: 0n });
      return;
    }
    if (frame.length === 0 || frame.length >= limits.maxBatchEntries || frameBytes + bytes > MAX_FRAME_BYTES) {
      frame = [];
      frameBytes = 0;
      frames.push(frame);
    }
    frame.push(submission);
    frameBytes += bytes;
  });
  return { frames, refusals };
}

/** One answer for each submission, in order, from those that the relay gave to the ones that were sent. */
export function mergeAnswers({ refusals }: PublishPlan, relayed: readonly PublishAnswer[]): readonly PublishAnswer[] {
  const answers = [...relayed];
  for (const [index, refusal] of refusals) answers.splice(index, 0, refusal);
  return answers;
}

/** What is too large, in words, if something is. */
function tooLarge({ payload, welcomes = [] }: Submission, bytes: number, limits: RelayLimits): string | undefined {
  const largest = Math.max(payload.length, ...welcomes.map((welcome) => welcome.payload.length));
  if (largest > limits.maxPayloadBytes) return `${largest} bytes, the relay accepts ${limits.maxPayloadBytes}`;
  const frame = bytes + FRAME_OVERHEAD_BYTES;
  return frame > limits.maxFrameBytes
    ? `a frame of ${frame} bytes, the relay takes ${limits.maxFrameBytes}`
    : undefined;
}

function submissionBytes({ payload, welcomes = [] }: Submission): number {
  let bytes = payload.length;
  for (const welcome of welcomes) {
    bytes += welcome.payload.length;
    // Two bytes of framing each.
    for (const ref of welcome.keyPackageRefs) bytes += ref.length + 2;
  }
  return bytes;
}
