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
  TransportError,
  type TransportErrorCode,
} from './base/errors.ts';
export { type ChannelName, parseChannelName } from './base/channel-name.ts';
export type { Clock } from './base/clock.ts';
export type { Random } from './base/random.ts';
export { ClientChannel, SkytaleClient, type SkytaleClientOptions, StaticClient } from './client/index.ts';
export type { StateObservable } from './streams/index.ts';
export {
  connectRelay,
  type ConnectRelayOptions,
  createMemoryRelay,
  type MemoryRelay,
  type RelayTransport,
} from './transport/index.ts';
