export type {
  ChannelLink,
  EntryKind,
  LinkEvent,
  LinkOptions,
  LinkStart,
  LogEntry,
  NoticeTopic,
  PublishAnswer,
  Quota,
  RefusalReason,
  RelayTransport,
  Submission,
  TransportStatus,
  WelcomeDelivery,
  WelcomeSubmission,
} from './relay-transport.ts';

export { DRAINING_DETAILS, PROTOCOL_VERSION, relayFile, relayService } from './wire/relay-service.ts';
export type { RelayServiceDefinition } from './wire/relay-service.ts';
export { decodeClientFrame, decodeServerFrame, encodeClientFrame, encodeServerFrame } from './wire/frames.ts';
export type { ClientFrameInit, ClientFrameShape, ServerFrameInit, ServerFrameShape } from './wire/frames.ts';
export { refusalError, refusalFromWire, refusalToWire } from './wire/refusals.ts';
export {
  GROUP_BYTES,
  answerFromWire,
  answerToWire,
  entryFromWire,
  entryToWire,
  noticeTopicToWire,
  quotaToWire,
  safeNumber,
  startFromWire,
  startToWire,
  submissionFromWire,
  submissionToWire,
} from './wire/values.ts';

export { connectRelay } from './grpc/connect-relay.ts';
export type { ConnectRelayOptions } from './grpc/options.ts';
export { createMemoryRelay } from './memory/memory-relay.ts';
export type { MemoryRelay, MemoryRelayOptions } from './memory/memory-relay.ts';

export { checkApiKey } from './control-plane/api-key.ts';
export { apiUrlOf } from './control-plane/api-url.ts';
export type {
  AccountUsage,
  Admission,
  ApprovalPolicy,
  ChannelInfo,
  ClaimOptions,
  ControlPlane,
  InviteInfo,
  InviteSubmission,
  JoinProgress,
  JoinStatus,
  JoinSubmission,
  PendingJoin,
  PendingRemoval,
  RevocationInfo,
  RevocationSubmission,
  WaitOptions,
} from './control-plane/control-plane.ts';
export { exchangeHttp } from './control-plane/http-exchange.ts';
export type { HttpAnswer, HttpRequest } from './control-plane/http-exchange.ts';
export { readRefusal } from './control-plane/refusal-body.ts';
export type { RefusalBody } from './control-plane/refusal-body.ts';
export { connectControlPlane } from './control-plane/http-control-plane.ts';
export type { ApiOptions as ConnectControlPlaneOptions } from './control-plane/api-call.ts';
export { createMemoryControlPlane } from './control-plane/memory-control-plane.ts';
export type { MemoryControlPlane, MemoryControlPlaneOptions } from './control-plane/memory-control-plane.ts';
export { exchangeToken } from './control-plane/token-exchange.ts';
export type { ExchangeTokenOptions } from './control-plane/token-exchange.ts';
export { copySubmission } from './copy-submission.ts';
export { checkLinkOptions, checkSubmissions } from './check.ts';
export { WelcomeDesk } from './welcome-desk.ts';
