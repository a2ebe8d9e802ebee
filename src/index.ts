export {
  Channel,
  type ChannelEvent,
  type ChannelFault,
  type ChannelMember,
  type ChannelMessage,
  type ChannelState,
  type ChannelStatus,
  type CommitReceipt,
  type Consumption,
  type EpochChange,
  type GroupChange,
  type KeyChange,
  type LeaveRequest,
  type MessageHandler,
  type SendOptions,
  type SendReceipt,
  type StopOptions,
} from './actors/channel/index.ts';
export {
  AuthError,
  type AuthErrorCode,
  ChannelError,
  type ChannelErrorCode,
  MlsError,
  type MlsErrorCode,
  QuotaExceededError,
  RuntimeError,
  type RuntimeErrorCode,
  SkytaleError,
  type SkytaleErrorOptions,
  TransportError,
  type TransportErrorCode,
} from './base/errors.ts';
export { type ChannelName, parseChannelName } from './base/channel-name.ts';
export type { Clock } from './base/clock.ts';
export type { Random } from './base/random.ts';
export { ClientChannel, SkytaleClient, type SkytaleClientOptions, StaticClient } from './client/index.ts';
export {
  type AcceptMember,
  changeStateKey,
  type CipherSuiteName,
  type Member,
  type MemberContext,
  type Padding,
  type RotationPolicy,
  type StateKey,
} from './mls/index.ts';
export type { StateObservable } from './streams/index.ts';
export {
  type ChannelLink,
  connectRelay,
  type ConnectRelayOptions,
  createMemoryRelay,
  type EntryKind,
  type LinkEvent,
  type LinkOptions,
  type LinkStart,
  type LogEntry,
  type MemoryRelay,
  type MemoryRelayOptions,
  type PublishAnswer,
  type RefusalReason,
  type RelayTransport,
  type Submission,
  type TransportStatus,
  type WelcomeDelivery,
  type WelcomeSubmission,
} from './transport/index.ts';
