import { parseChannelName } from '../../base/channel-name.ts';
import type { ChannelName } from '../../base/channel-name.ts';
import { SkytaleError } from '../../base/errors.ts';
import { GROUP_BYTES, submissionFromWire } from '../../transport/index.ts';
import type { ClientFrameShape } from '../../transport/index.ts';
import type { Judged } from '../access/index.ts';
import { refused } from '../engine/log-rules.ts';
import type { Refused } from '../engine/log-rules.ts';
import type { RelayLimits } from '../limits.ts';

/** A `Publish` frame as it was decoded. */
export type PublishFrame = Extract<ClientFrameShape, { case: 'publish' }>['value'];

/** A `Publish` that was looked at. Its bytes are views into the frame. */
export interface CheckedPublish {
  /** `undefined` if the frame as a whole is refused. */
  readonly channel: ChannelName | undefined;
  /** One per submission, in order. */
  readonly items: readonly Judged[];
}

/** Largest reference of a key package: a hash of RFC 9420 §5.2 has at most 64 bytes. */
const MAX_REF_BYTES = 64;

/** Looks at the form of a `Publish`: what can be said of it without asking the log or who sent it. */
export function checkPublish(frame: PublishFrame, limits: RelayLimits): CheckedPublish {
  const { submissions, group } = frame;
  const all = (refusal: Refused): CheckedPublish => ({ channel: undefined, items: submissions.map(() => refusal) });
  let channel;
  try {
    channel = parseChannelName(frame.channel);
  } catch (error) {
    return all(refused('invalid-channel', messageOf(error), 0n));
  }
  if (group.length !== GROUP_BYTES) {
    return all(refused('malformed', `group has ${group.length} bytes instead of ${GROUP_BYTES}`, 0n));
  }
  if (submissions.length > limits.maxBatchEntries) {
    const detail = `${submissions.length} submissions in one publish, ${limits.maxBatchEntries} are allowed`;
    return all(refused('limit', detail, 0n));
  }
  return { channel, items: submissions.map((submission) => check(submission, limits)) };
}

function check(wire: PublishFrame['submissions'][number], limits: RelayLimits): Judged {
  const max = limits.maxPayloadBytes;
  if (wire.payload.length > max) {
    return refused('too-large', `payload has ${wire.payload.length} bytes, ${max} are allowed`, 0n);
  }
  if (wire.payload.length === 0) return refused('malformed', 'payload is empty', 0n);
  if (wire.welcomes.length > 0) {
    const refusal = checkWelcomes(wire.welcomes, limits);
    if (refusal !== undefined) return refusal;
  }
  try {
    return submissionFromWire(wire);
  } catch (error) {
    return refused('malformed', messageOf(error), 0n);
  }
}

function checkWelcomes(
  welcomes: PublishFrame['submissions'][number]['welcomes'],
  { maxPayloadBytes: max, maxWelcomesPerCommit }: RelayLimits,
): Refused | undefined {
  let newcomers = 0;
  for (const { keyPackageRefs, payload } of welcomes) {
    if (payload.length > max) {
      return refused('too-large', `a Welcome has ${payload.length} bytes, ${max} are allowed`, 0n);
    }
    if (payload.length === 0) return refused('malformed', 'a Welcome is empty', 0n);
    if (keyPackageRefs.length === 0) return refused('malformed', 'a Welcome is for no key package', 0n);
    const bad = keyPackageRefs.find((ref) => !isKeyPackageRef(ref));
    if (bad !== undefined) return refused('malformed', `a key package reference has ${bad.length} bytes`, 0n);
    newcomers += keyPackageRefs.length;
  }
  if (newcomers <= maxWelcomesPerCommit) return undefined;
  const detail = `one commit welcomes ${newcomers} key packages, ${maxWelcomesPerCommit} are allowed`;
  return refused('limit', detail, 0n);
}

/** Whether bytes may be the reference of a key package. */
export function isKeyPackageRef(bytes: Uint8Array): boolean {
  return bytes.length > 0 && bytes.length <= MAX_REF_BYTES;
}

/** The text of an error that this package made for the one who gave the bad input; anything else is a bug, and thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof SkytaleError) return error.message;
  throw error;
}
