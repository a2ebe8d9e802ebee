export { assembleChannel, Channel, probeChannel } from './channel.ts';
export { ownIdentity, startChannel } from './start-channel.ts';
export { tapChannel, untapChannel } from './tap-channel.ts';
export { ChannelActor } from './channel-actor.ts';
export type { ChannelCore, ChannelFront, ChannelParts } from './channel-core.ts';
export type { ChannelInput } from './channel-input.ts';
export type { ActorMailbox, ChannelControl } from './channel-mailbox.ts';
export { ChannelOutput } from './channel-output.ts';
export {
  type ChannelTap,
  type ChannelTurn,
  type Outcome,
  type PortOutcome,
  type TapRequest,
  type TapStart,
  TapSwitch,
} from './channel-tap.ts';
export type { JournalReader } from './journal-reader.ts';
export { deferred } from './deferred.ts';
export type { GroupSteps } from './group-steps.ts';
export type { OutgoingPayload, Waiter } from './outbox-desk.ts';
export type { CallOptions, ConsumeOptions, Consumption, SendOptions, StopOptions } from './channel-options.ts';
export type { PayloadChannel } from './payload-channel.ts';
export type { AcceptRemoval, ChannelPorts, RemovalContext } from './workbench.ts';
export type {
  ChannelEvent,
  ChannelFault,
  ChannelMember,
  ChannelMessage,
  ChannelState,
  ChannelStatus,
  CommitReceipt,
  EpochChange,
  GroupChange,
  KeyChange,
  LeaveRequest,
  RejoinRequest,
  SendReceipt,
} from './channel-event.ts';
export type { ChannelFigures, ChannelProbe, FaultNote } from './channel-inspection.ts';
export type { MessageHandler } from './consumer.ts';
export { describeHeader, type SentKind } from './envelope.ts';
export type { CallIds } from './exchange-ports.ts';
export type {
  Arrival,
  CallName,
  CancelNotice,
  ChannelRequest,
  Confirmation,
  ExchangeEvent,
  PresenceNotice,
  ReplyEvent,
} from './exchange-event.ts';
export { type ConfirmedReceipt, type ConfirmedSendOptions, ReceiptTimeoutError } from './receipt.ts';
export type { PresenceOptions, PresentMember } from './presence.ts';
export type { Reply, RequestOptions } from './request-options.ts';
export type { IncomingRequest, RequestHandler, RespondOptions } from './responder.ts';
export type { JoinRequest } from './join-request.ts';
export type { MembershipChange } from './membership.ts';
export { bytes, json, type PayloadCodec, text, validated } from './payload-codec.ts';
export { PayloadError, type PayloadErrorOptions, type PayloadIssue } from './payload-error.ts';
export type { StandardIssue, StandardResult, StandardSchema } from './standard-schema.ts';
export { TypedChannel } from './typed-channel.ts';
export type { PayloadReject, TypedMessage, TypedMessageHandler } from './typed-message.ts';
export type { TypedReply, TypedRequest, TypedRequestHandler } from './typed-request.ts';
