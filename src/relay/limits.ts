import { checkInteger } from '../base/check.ts';

/** What a relay allows its clients. All have defaults; a refusal by a limit is typed. */
export interface RelayLimits {
  /** Largest payload of a message, a commit or a Welcome, in bytes. Default 262,144. Beyond: `too-large`. */
  readonly maxPayloadBytes: number;
  /** Largest frame that is read, in bytes. Default 4 MiB. Beyond: the call ends with `RESOURCE_EXHAUSTED`. */
  readonly maxFrameBytes: number;
  /** Submissions in one `Publish`. Default 128. Beyond: `limit`. */
  readonly maxBatchEntries: number;
  /** Subscriptions on one connection. Default 1,024. Beyond: `limit`. */
  readonly maxSubscriptions: number;
  /** Key packages for whose Welcome one connection waits. Default 256. Beyond, the connection is refused with `limit`. */
  readonly maxWelcomeWaits: number;
  /** Bytes of publishes that wait for their answer on one connection before no more is read from it. Default 1 MiB. */
  readonly maxUnansweredBytes: number;
  /** Bytes that wait for one client to read them before it gets no more entries. Default 256 KiB. */
  readonly maxUnreadBytes: number;
  /** Time a client has for its `Hello`, in ms. Default 10,000. */
  readonly helloTimeoutMs: number;
  /** Connections at once. Default 256. Beyond: the oldest on which no client is served is closed, or else the new one. */
  readonly maxConnections: number;
  /**
   * Streams that one account may have open at once on this relay; a client needs one. Default 128. Beyond, the connection is
   * refused with `limit`. This and the next one hold where clients are authenticated.
   */
  readonly maxAccountConnections: number;
  /** Subscriptions of one account on all connections of this relay. Default 8,192. Beyond: `limit`. */
  readonly maxAccountSubscriptions: number;
  /** Channels in the log. Default 64. Beyond: a submission to a new one is refused with `limit`. */
  readonly maxChannels: number;
  /** Key packages that one commit may welcome, in one Welcome or in several. Default 256. Beyond: `limit`. */
  readonly maxWelcomesPerCommit: number;
  /** Bytes of HTTP/2 header fields in one request. Default 16 KiB. Beyond: the stream is refused. */
  readonly maxHeaderBytes: number;
  /** Time a connection has until its first request is there, TLS included, in ms. Default 10,000. */
  readonly handshakeTimeoutMs: number;
  /** Time after which a connection without a request is closed, in ms. Default 60,000. */
  readonly idleTimeoutMs: number;
  /** Time after which a peer that does not take what is written to it is cut off, in ms. Default 30,000. */
  readonly stuckReaderMs: number;
  /** Time after which a peer is asked whether it is still there, in ms. Default 20,000. */
  readonly keepaliveMs: number;
  /** Time a peer has to answer that, in ms. Default 10,000. Beyond: the connection is closed. */
  readonly keepaliveTimeoutMs: number;
  /**
   * Messages that one connection may publish in a second, in the mean. Default 5,000. Beyond: `rate-limited`. This and the next
   * one hold where clients are authenticated.
   */
  readonly messagesPerSecond: number;
  /** Messages that one account may publish in a second on all connections of this relay, in the mean. Default 20,000. */
  readonly accountMessagesPerSecond: number;
  /**
   * Newest entries kept in memory for all subscribers together, in bytes; the rest is read from the log. Default 4 MiB: more
   * saves readers that lag a visit to the log, but what lives long costs every message garbage collections.
   */
  readonly maxRecentBytes: number;
  /** How many epochs a message may lie behind its channel. Default 4. Beyond: `stale-epoch`. */
  readonly staleEpochs: number;
}

/** The limits that hold if nothing is configured. */
export const DEFAULT_LIMITS: RelayLimits = {
  maxPayloadBytes: 262_144,
  maxFrameBytes: 4 * 1024 * 1024,
  maxBatchEntries: 128,
  maxSubscriptions: 1024,
  maxWelcomeWaits: 256,
  maxUnansweredBytes: 1024 * 1024,
  maxUnreadBytes: 256 * 1024,
  helloTimeoutMs: 10_000,
  maxConnections: 256,
  maxAccountConnections: 128,
  maxAccountSubscriptions: 8192,
  maxChannels: 64,
  maxWelcomesPerCommit: 256,
  maxHeaderBytes: 16 * 1024,
  handshakeTimeoutMs: 10_000,
  idleTimeoutMs: 60_000,
  stuckReaderMs: 30_000,
  keepaliveMs: 20_000,
  keepaliveTimeoutMs: 10_000,
  messagesPerSecond: 5000,
  accountMessagesPerSecond: 20_000,
  maxRecentBytes: 4 * 1024 * 1024,
  staleEpochs: 4,
};

/** The least that a limit may be. */
export function minimumOf(name: keyof RelayLimits): number {
  return name === 'staleEpochs' || name === 'maxRecentBytes' ? 0 : 1;
}

/**
 * Fields that a frame may have. Sixteen for each submission and each key package that is welcomed are several times what
 * the largest publish needs, and little to read.
 */
export function maxFrameFields({ maxBatchEntries, maxWelcomesPerCommit }: RelayLimits): number {
  return 16 * (maxBatchEntries + maxWelcomesPerCommit);
}

/** The defaults with `overrides`. @throws {@link RuntimeError} `invalid_argument` */
export function resolveLimits(overrides: Partial<RelayLimits> = {}): RelayLimits {
  const limits = { ...DEFAULT_LIMITS, ...overrides };
  for (const [name, value] of Object.entries(limits) as [keyof RelayLimits, number][]) {
    checkInteger(`limits.${name}`, value, minimumOf(name));
  }
  checkInteger('limits.maxPayloadBytes', limits.maxPayloadBytes, 1, limits.maxFrameBytes);
  return limits;
}
