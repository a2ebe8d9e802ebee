import type { PublishAnswer, Submission } from '../relay-transport.ts';

/** What the relay told in `Ready`. */
export interface RelayLimits {
  readonly maxPayloadBytes: number;
  readonly maxBatchEntries: number;
}

/** How submissions travel: in which frames, and which of them are answered without asking the relay. */
export interface PublishPlan {
  /** Indexes of the submissions, a list for each frame, in order. */
  readonly frames: readonly (readonly number[])[];
  readonly refusals: ReadonlyMap<number, PublishAnswer>;
}

/** A frame that holds more than one submission stays below this, far from the relay's receive limit. */
const MAX_FRAME_BYTES = 2 ** 20;

/**
 * Splits submissions into frames that the relay takes. One that is larger than it accepts is refused here: sent, it
 * would end the connection, and its sender would send it again on the next one.
 */
export function planPublish(submissions: readonly Submission[], limits: RelayLimits): PublishPlan {
  const frames: number[][] = [];
  const refusals = new Map<number, PublishAnswer>();
  let frame: number[] = [];
  let frameBytes = 0;
  submissions.forEach((submission, index) => {
    const largest = largestPayload(submission);
    if (largest > limits.maxPayloadBytes) {
      const detail = `${largest} bytes, the relay accepts ${limits.maxPayloadBytes}`;
      refusals.set(index, { kind: 'refused', reason: 'too-large', detail, currentEpoch: 0n });
      return;
    }
    const bytes = submissionBytes(submission);
    if (frame.length === 0 || frame.length >= limits.maxBatchEntries || frameBytes + bytes > MAX_FRAME_BYTES) {
      frame = [];
      frameBytes = 0;
      frames.push(frame);
    }
    frame.push(index);
    frameBytes += bytes;
  });
  return { frames, refusals };
}

function largestPayload({ payload, welcomes = [] }: Submission): number {
  return Math.max(payload.length, ...welcomes.map((welcome) => welcome.payload.length));
}

function submissionBytes({ payload, welcomes = [] }: Submission): number {
  return welcomes.reduce((sum, welcome) => sum + welcome.payload.length, payload.length);
}
