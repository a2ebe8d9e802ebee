/**
 * Tests for what is built on channels: a simulated world of agents in one process, plans of what goes wrong in it, checkers
 * of what must hold all the same.
 *
 * @module
 */
export {
  assertEpochs,
  assertFaults,
  assertMarbles,
  assertMessages,
  assertReplays,
  type ExpectedPayload,
} from './assertions/assertions.ts';
export { type KeepMode, keptTape, type KeptTapeOptions } from './assertions/kept-tape.ts';
export { type MarbleOptions, Marbles, toMarbles } from './assertions/marbles.ts';
export { type MatcherResult, matchers, type ReplayMatchers } from './assertions/matchers.ts';
export { type Seen, watch } from './assertions/seen.ts';
export { schedulerOf } from '../streams/index.ts';
export {
  type Checker,
  CHECKERS,
  checkRun,
  History,
  type InLife,
  KeyUse,
  type Observation,
  type RunRecord,
  type SendOutcome,
  type Violation,
} from './checkers/index.ts';
export type { AtOperation, AtTime, Fault, FaultKind, FaultOf, HostileEntry } from './faults/fault.ts';
export type { FaultCount } from './faults/fault-board.ts';
export { FAULT_KINDS, type FaultPlan, formatFaultPlan, parseFaultPlan } from './faults/fault-plan.ts';
export { RANDOM_KINDS, randomPlan } from './simulation/random-plan.ts';
export { shrinkPlan } from './simulation/shrink-plan.ts';
export { type LifeOptions, type LifeReport, simulateLife } from './simulation/simulated-life.ts';
export { quiet } from './world/quiet.ts';
export { SeededRandom } from './world/seeded-random.ts';
export type { SimulatedAgent, SimulatedAgentOptions } from './world/simulated-agent.ts';
export type { ActionOutcome } from './world/group-actions.ts';
export { VirtualClock } from './world/virtual-clock.ts';
export type { DiskImage, VirtualDisk, WriteOutcome } from './world/virtual-disk.ts';
export { World, type WorldOptions } from './world/world.ts';
export type { Expectation } from './play/comparison.ts';
export { type Divergence, ReplayDivergedError } from './play/divergence.ts';
export { record, type RecordOptions } from './record/record.ts';
export type { Recording } from './record/recording.ts';
export { hashPayloads, keepPayloads, type Redactor, type RedactorContext } from './record/redactor.ts';
export { playTogether } from './play/play-together.ts';
export { type AgentUnderTest, Replay, replay } from './play/replay.ts';
export type { ReplayOptions, ReplayResult } from './play/replay-options.ts';
export type { SystemRecordOptions } from './record/system-recording.ts';
export { SystemReplay, replaySystem } from './play/system-replay.ts';
export { readTape, type Tape, type TapeSource } from './tape/tape.ts';
export type { TapeFault, TapeFaultCount } from './play/tape-fault.ts';
export { tapeMessages } from './tape/tape-messages.ts';
export { type TapeHeader, type TapeMode, type TapeRecord, type TapeRecordKind } from './tape/tape-record.ts';
export { fileSink, MemorySink, type TapeSink } from './record/tape-sink.ts';
export { fromTapeValue, type Json, toTapeValue } from './tape/tape-value.ts';
export type { CryptoProviderName, MlsEngineOptions } from '../mls/index.ts';
