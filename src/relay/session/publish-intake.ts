import { parseChannelName } from '../../base/channel-name.ts';
import { SkytaleError } from '../../base/errors.ts';
import { GROUP_BYTES, submissionFromWire } from '../../transport/index.ts';
import type { ClientFrameShape, PublishAnswer, Submission } from '../../transport/index.ts';
import type { LogEngine } from '../engine/log-engine.ts';
import { refused } from '../engine/log-rules.ts';
import type { Refused } from '../engine/log-rules.ts';
import type { RelayLimits } from '../limits.ts';

/** A `Publish` frame as it was decoded. */
export type PublishFrame = Extract<ClientFrameShape, { case: 'publish' }>['value'];

/** Largest reference of a key package: a hash of RFC 9420 §5.2 has at most 64 bytes. */
const MAX_REF_BYTES = 64;

/** Checks a `Publish`, has the log judge what is sound, and gives one answer per submission. Never rejects. */
export async function publish(
  engine: LogEngine,
  limits: RelayLimits,
  frame: PublishFrame,
): Promise<readonly PublishAnswer[]> {
  const all = (refusal: Refused): readonly PublishAnswer[] => frame.submissions.map(() => refusal);
  const { submissions: wire, group } = frame;
  let channel;
  try {
    channel = parseChannelName(frame.channel);
  } catch (error) {
    return all(refused('invalid-channel', messageOf(error), 0n));
  }
  if (group.length !== GROUP_BYTES) {
    return all(refused('malformed', `group has ${group.length} bytes instead of ${GROUP_BYTES}`, 0n));
  }
  if (wire.length > limits.maxBatchEntries) {
    return all(
      refused('limit', `${wire.length} submissions in one publish, ${limits.maxBatchEntries} are allowed`, 0n),
    );
  }
  const checked = wire.map((submission) => check(submission, limits));
  const submissions = checked.filter((item): item is Submission => !isRefusal(item));
  const stored = submissions.length === 0 ? [] : (await engine.append({ channel, group, submissions })).answers;
  const answers = stored[Symbol.iterator]();
  return checked.map((item) => (isRefusal(item) ? item : (answers.next().value as PublishAnswer)));
}

function check(wire: PublishFrame['submissions'][number], limits: RelayLimits): Submission | Refused {
  const max = limits.maxPayloadBytes;
  if (wire.payload.length > max) {
    return refused('too-large', `payload has ${wire.payload.length} bytes, ${max} are allowed`, 0n);
  }
  if (wire.payload.length === 0) return refused('malformed', 'payload is empty', 0n);
  for (const { keyPackageRefs, payload } of wire.welcomes) {
    if (payload.length > max)
      return refused('too-large', `a Welcome has ${payload.length} bytes, ${max} are allowed`, 0n);
    if (payload.length === 0) return refused('malformed', 'a Welcome is empty', 0n);
    if (keyPackageRefs.length === 0) return refused('malformed', 'a Welcome is for no key package', 0n);
    const bad = keyPackageRefs.find((ref) => !isKeyPackageRef(ref));
    if (bad !== undefined) return refused('malformed', `a key package reference has ${bad.length} bytes`, 0n);
  }
  try {
    return submissionFromWire(wire);
  } catch (error) {
    return refused('malformed', messageOf(error), 0n);
  }
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

function isRefusal(item: Submission | Refused): item is Refused {
  return item.kind === 'refused';
}
