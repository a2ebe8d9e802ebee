export type { ClientInspection } from './agent-options.ts';
export { ClientChannel } from './client-channel.ts';
export type { Invite, InviteOptions } from './inviter.ts';
export type { JoinOptions, JoinStep, JoinWithTokenOptions } from './join-step.ts';
export type { MessagesOptions } from './payload-iterator.ts';
export type { RevocationReason, RevocationReceipt, RevocationStep, RevokeOptions } from './revocation.ts';
export { SkytaleClient, SkytaleClient as StaticClient, type SkytaleClientOptions } from './skytale-client.ts';
export { createEnvelope, type EnvelopeInit, type EnvelopeOptions, replyTo } from './envelope/create-envelope.ts';
export type { Envelope } from './envelope/envelope.ts';
export { decodeEnvelope, encodeEnvelope } from './envelope/envelope-encoding.ts';
export { envelopes } from './envelope/envelope-codec.ts';
export { type Protocol, Protocols } from './envelope/protocols.ts';
export type { TraceContext } from './envelope/trace-context.ts';
export {
  type OutgoingMessage,
  type ReceiveEnvelopesOptions,
  type ReceiveOptions,
  SkytaleChannelManager,
} from './manager/channel-manager.ts';
export type { ReceivedEnvelope } from './manager/channel-inbox.ts';
export type { ManagerFault } from './manager/manager-fault.ts';
export type { SkytaleChannelManagerOptions } from './manager/manager-options.ts';
export type { ReceiveBufferOptions, ReceiveOverflow } from './manager/receive-buffer.ts';
