import type { PublishAnswer, Submission } from '../relay-transport.ts';

/** What the relay told in `Ready`. */
export interface RelayLimits {
  readonly maxPayloadBytes: number;
  readonly maxBatchEntries: number;
}

/** How submissions travel: in which frames, and which of them are answered without asking the relay. */
export interface PublishPlan {
  readonly frames: readonly (readonly Submission[])[];
  /** By index of the submission, rising. */
  readonly refusals: ReadonlyMap<number, PublishAnswer>;
}

/** A frame that holds more than one submission stays below this, far from the relay's receive limit. */
const MAX_FRAME_BYTES = 2 ** 20;

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

function largestPayload({ payload, welcomes = [] }: Submission): number {
  return Math.max(payload.length, ...welcomes.map((welcome) => welcome.payload.length));
}

function submissionBytes({ payload, welcomes = [] }: Submission): number {
  return welcomes.reduce((sum, welcome) => sum + welcome.payload.length, payload.length);
}
