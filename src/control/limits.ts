import { checkInteger } from '../base/check.ts';

/** What a control plane allows its callers. All have defaults; a refusal by a limit is typed. */
export interface ControlLimits {
  /** Largest body of a request, in bytes. Default 64 KiB. Beyond: 413. */
  readonly maxBodyBytes: number;
  /** Bytes of header fields in one request. Default 16 KiB. Beyond: 431. */
  readonly maxHeaderBytes: number;
  /** Connections at once. Default 4,096. Beyond, new ones are closed. */
  readonly maxConnections: number;
  /** Time a request has to arrive as a whole, in ms. Default 15,000. */
  readonly requestTimeoutMs: number;
  /** Time after which a connection without a request is closed, in ms. Default 75,000. */
  readonly idleTimeoutMs: number;
  /** Time that requests have to end when the server closes, in ms. Default 10,000. */
  readonly closeTimeoutMs: number;
  /** Requests that wait for a change at once. Default 4,096. Beyond: 429. */
  readonly maxLongPolls: number;
  /** The same, of one account. Default 1,024. */
  readonly maxLongPollsPerAccount: number;
  /** Accounts made from one address in an hour. Default 20. Beyond: 429. */
  readonly accountsPerHour: number;
  /** Requests without credentials from one address in a minute. Default 120. Beyond: 429. */
  readonly anonymousPerMinute: number;
  /** Credentials that are refused, from one address in a minute. Default 30. Beyond, all from there are refused: 429. */
  readonly failedAuthenticationsPerMinute: number;
  /** Keys of one account that are not revoked. Default 1,000. Beyond: 429. */
  readonly maxKeys: number;
  /** Identities that are bound to one key. Default 10,000. Beyond: 429. */
  readonly maxIdentitiesPerKey: number;
  /** Channels that one account owns. Default 10,000. Beyond: 429. */
  readonly maxChannels: number;
  /** Invites of one channel that can be used. Default 1,000. Beyond: 429. */
  readonly maxInvitesPerChannel: number;
  /** Open join requests of one channel. Default 2,048. Beyond: 429. */
  readonly maxJoinsPerChannel: number;
  /** API keys that wait to be hashed. Default 64. Beyond: 503. */
  readonly maxHashQueue: number;
  /** API keys that are remembered as verified. Default 10,000. */
  readonly maxVerifiedKeys: number;
}

/** The limits that hold if nothing is configured. */
export const DEFAULT_CONTROL_LIMITS: ControlLimits = {
  maxBodyBytes: 64 * 1024,
  maxHeaderBytes: 16 * 1024,
  maxConnections: 4096,
  requestTimeoutMs: 15_000,
  idleTimeoutMs: 75_000,
  closeTimeoutMs: 10_000,
  maxLongPolls: 4096,
  maxLongPollsPerAccount: 1024,
  accountsPerHour: 20,
  anonymousPerMinute: 120,
  failedAuthenticationsPerMinute: 30,
  maxKeys: 1000,
  maxIdentitiesPerKey: 10_000,
  maxChannels: 10_000,
  maxInvitesPerChannel: 1000,
  maxJoinsPerChannel: 2048,
  maxHashQueue: 64,
  maxVerifiedKeys: 10_000,
};

/** The defaults with `overrides`. @throws {@link RuntimeError} `invalid_argument` */
export function resolveControlLimits(overrides: Partial<ControlLimits> = {}): ControlLimits {
  const limits = { ...DEFAULT_CONTROL_LIMITS, ...overrides };
  for (const [name, value] of Object.entries(limits)) checkInteger(`limits.${name}`, value, 1);
  return limits;
}
