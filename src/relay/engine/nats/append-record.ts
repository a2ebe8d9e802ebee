import type { ChannelName } from '../../../base/channel-name.ts';
import type { Submission, WelcomeSubmission } from '../../../transport/index.ts';
import { monthStart } from '../month.ts';
import type { Item, PlanContext, PlannedItem } from './append-plan.ts';
import { PLACES } from './log-record.ts';
import type { AppendPart, AppendRecord, RecordSubmission } from './log-record.ts';
import type { QuotaPlaces } from './quota-places.ts';
import { SUBMISSION_OVERHEAD_BYTES } from './record-codec.ts';

const MAX_EPOCH = BigInt(Number.MAX_SAFE_INTEGER);

/** How many items from the first on go into one record of `maxBytes`: at least one. */
export function countForRecord(items: readonly Item[], maxBytes: number): number {
  let bytes = 0;
  let count = 0;
  for (const { submission, pieces } of items) {
    bytes += submission.payload.length + SUBMISSION_OVERHEAD_BYTES;
    if (pieces === undefined) bytes += welcomeBytes(submission.welcomes);
    if (count > 0 && (bytes > maxBytes || count === PLACES)) break;
    count += 1;
  }
  return count;
}

/** Whether the Welcomes of a submission are too much for one record of `maxBytes` together with it. */
export function needsPieces({ payload, welcomes }: Submission, maxBytes: number): boolean {
  return welcomes !== undefined && welcomes.length > 0 && payload.length + welcomeBytes(welcomes) > maxBytes;
}

/** The record of what was planned. */
export function appendRecord(
  id: Uint8Array,
  channel: ChannelName,
  planned: readonly PlannedItem[],
  places: QuotaPlaces,
  { rules, stampMs }: PlanContext,
): AppendRecord {
  const parts: AppendPart[] = [];
  let before: Item | undefined;
  let submissions: RecordSubmission[] = [];
  for (const { item, isStub } of planned) {
    const { by, group } = item;
    if (before?.by !== by || before?.group !== group) {
      submissions = [];
      const account = by?.account;
      parts.push({
        group,
        account,
        monthStartMs: account === undefined ? 0 : monthStart(stampMs),
        reservedUntilMs: account === undefined ? 0 : places.untilMs(account),
        submissions,
      });
    }
    submissions.push(recordSubmission(item, isStub));
    before = item;
  }
  return { kind: 'append', id, channel, storedAtMs: stampMs, staleEpochs: rules.staleEpochs, parts };
}

function recordSubmission({ submission, pieces }: Item, isStub: boolean): RecordSubmission {
  const { kind, messageId, payload, welcomes = [] } = submission;
  return {
    kind,
    messageId,
    // What is only to be judged may claim any epoch; one that is out of reach is judged like one that is just beyond.
    epoch: Number(submission.epoch > MAX_EPOCH ? MAX_EPOCH : submission.epoch),
    payload: isStub ? undefined : payload,
    welcomes: isStub
      ? []
      : welcomes.map(({ keyPackageRefs, payload: welcome }, index) => ({
          keyPackageRefs,
          content: pieces?.[index] ?? welcome,
        })),
  };
}

function welcomeBytes(welcomes: readonly WelcomeSubmission[] = []): number {
  let bytes = 0;
  for (const { keyPackageRefs, payload } of welcomes) {
    bytes += payload.length + 16;
    for (const ref of keyPackageRefs) bytes += ref.length + 2;
  }
  return bytes;
}
