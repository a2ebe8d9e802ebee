import type { ChannelName } from '../../../base/channel-name.ts';
import type { RuntimeErrorCode } from '../../../base/errors.ts';
import type { AccountId } from '../../access/principal.ts';
import type { Access, AccessChange, ChannelState, LogPage, PageLimit, StoredWelcome, Usage } from '../log-engine.ts';
import type { AppendBatch, PackedAnswers } from './append-batch.ts';
import type { LogSetup } from './open-log.ts';
import type { PackedRuns } from './packed-runs.ts';
import type { AccessOutcome } from './sqlite-log.ts';

/** What the worker is started with. */
export type WorkerSetup = LogSetup;

/** What the worker says when the log is open. */
export interface WorkerReady {
  readonly wasChecked: boolean;
  readonly acceptedLoss: string | undefined;
}

/** What became of an {@link AppendBatch}. */
export interface PackedOutcome {
  /** The buffer of the batch, to be used again. */
  readonly spare: ArrayBuffer;
  /** Per request. */
  readonly answers: readonly PackedAnswers[];
  /** Per request; `undefined` where there is no account. */
  readonly usages: readonly (Usage | undefined)[];
  readonly appended: PackedRuns;
  readonly accessChanges: readonly AccessChange[];
}

/** How the log is, as its thread sees it. */
export interface WorkerHealth {
  readonly details: Readonly<Record<string, number>>;
  readonly isMarkBehind: boolean;
}

/** What the worker can be asked, by name. */
export interface WorkerCalls {
  /**
   * @param failedBatches how many have failed that the caller has heard of. Were there more, this batch was under way behind one
   * of them, and fails too: what is in it would overtake what will come again.
   */
  append(
    batch: AppendBatch,
    nowMs: number,
    spareForRuns: ArrayBuffer | undefined,
    failedBatches: number,
  ): PackedOutcome;
  /** @param spare a buffer for the page, if one is at hand */
  read(channel: ChannelName, afterSeq: number, limit: PageLimit, spare: ArrayBuffer | undefined): LogPage;
  state(channel: ChannelName): ChannelState | undefined;
  commitSeq(channel: ChannelName, epoch: bigint): number | undefined;
  welcome(
    keyPackageRef: Uint8Array,
    account: AccountId | undefined,
  ): AccessOutcome<StoredWelcome | 'taken' | undefined>;
  access(channel: ChannelName, account: AccountId): Access;
  admit(channel: ChannelName, account: AccountId): AccessOutcome<boolean>;
  expel(channel: ChannelName, account: AccountId): AccessOutcome<boolean>;
  usage(account: AccountId, monthStartMs: number): Usage;
  health(): WorkerHealth;
  probe(bytes: number): void;
  trimSlice(channel: ChannelName, upToSeq: number): number;
  trimStoredBeforeSlice(timeMs: number): number;
  sweepIdsSlice(): boolean;
  close(): void;
}

/** A call. Answered in order. */
export interface WorkerRequest {
  readonly call: keyof WorkerCalls;
  readonly args: readonly unknown[];
}

/** What comes back: first one for the opening of the file, then one per call. */
export type WorkerResponse =
  | { readonly ok: true; readonly value: unknown }
  | {
      readonly ok: false;
      readonly code: RuntimeErrorCode;
      readonly message: string;
      /** The log has failed for good: this thread answers nothing more. */
      readonly isFinal: boolean;
    };
