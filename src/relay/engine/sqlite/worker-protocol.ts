import type { ChannelName } from '../../../base/channel-name.ts';
import type { RuntimeErrorCode } from '../../../base/errors.ts';
import type { Appended, ChannelState, LogPage, PageLimit, StoredWelcome } from '../log-engine.ts';
import type { LogRules } from '../log-rules.ts';
import type { AppendBatch, PackedAnswers } from './append-batch.ts';

/** What the worker is started with. */
export interface WorkerSetup {
  readonly path: string;
  readonly maxBytes: number | undefined;
  readonly rules: LogRules;
}

/** What became of an {@link AppendBatch}. */
export interface PackedOutcome {
  /** Per request. */
  readonly answers: readonly PackedAnswers[];
  /** All runs lie in one buffer. */
  readonly appended: readonly Appended[];
}

/** What the worker can be asked, by name. */
export interface WorkerCalls {
  append(batch: AppendBatch, nowMs: number): PackedOutcome;
  read(channel: ChannelName, afterSeq: number, limit: PageLimit): LogPage;
  state(channel: ChannelName): ChannelState | undefined;
  commitSeq(channel: ChannelName, epoch: bigint): number | undefined;
  welcome(keyPackageRef: Uint8Array): StoredWelcome | undefined;
  trimSlice(channel: ChannelName, upToSeq: number): number;
  trimStoredBeforeSlice(timeMs: number): number;
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
  | { readonly ok: false; readonly code: RuntimeErrorCode; readonly message: string };
