/** What every error of the package can tell beside its message. */
export interface SkytaleErrorOptions {
  /** The error that led here, kept whole. */
  readonly cause?: unknown;
}

/**
 * The root of all errors that the package throws or emits.
 *
 * `code` is stable and made for programs; `message` is for people and may change after its documented prefix.
 * No message holds plaintext, a key, a token or a raw group id.
 */
export abstract class SkytaleError<Code extends string = string> extends Error {
  /** Stable, machine-readable identifier such as `auth_failed`. */
  readonly code: Code;
  /** The HTTP status that belongs to the code, where one does. */
  readonly httpStatus: number | undefined;
  /** Where the code is explained, with what to do. */
  readonly docUrl: string;

  protected constructor(code: Code, message: string, httpStatus: number | undefined, options?: SkytaleErrorOptions) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.httpStatus = httpStatus;
    this.docUrl = `https://docs.skytale.sh/guides/error-handling#${code}`;
  }
}

/** Codes of {@link AuthError}. */
export type AuthErrorCode = 'auth_failed' | 'auth_key_invalid' | 'api_key_required' | 'unauthorized';

const AUTH_STATUS: Record<AuthErrorCode, number | undefined> = {
  auth_failed: 401,
  auth_key_invalid: 401,
  api_key_required: undefined,
  unauthorized: 403,
};

/** The API key or token is missing, malformed, expired, or not allowed to do this. Message prefix `auth error:`. */
export class AuthError extends SkytaleError<AuthErrorCode> {
  constructor(code: AuthErrorCode, detail: string, options?: SkytaleErrorOptions) {
    super(code, `auth error: ${detail}`, AUTH_STATUS[code], options);
  }
}

/** Codes of {@link TransportError}. */
export type TransportErrorCode =
  | 'transport_error'
  | 'connection_error'
  | 'connection_lost'
  | 'join_timeout'
  | 'listener_died'
  | 'protocol_error'
  | 'unsupported_version'
  | 'message_too_large'
  | 'limit_exceeded';

/** The relay or the control plane could not be reached, or did not speak as agreed. Message prefix `transport error:`. */
export class TransportError extends SkytaleError<TransportErrorCode> {
  constructor(code: TransportErrorCode, detail: string, options?: SkytaleErrorOptions) {
    super(code, `transport error: ${detail}`, code === 'message_too_large' ? 413 : undefined, options);
  }
}

/**
 * Codes of {@link ChannelError}. `invalid_payload`: a codec or its validator refused a value. `request_timeout`, `request_failed`,
 * `responder_left`: a request did not get the replies that it expects, because time is over, because a handler failed, or
 * because who had to reply is no member any more. `receipt_timeout`: not everybody has confirmed a message in time; it is
 * stored all the same. `join_denied`: a member has refused the request to join. `invite_invalid`: the token is none; the other
 * `invite_…` codes say why one is of no use. `identity_taken`: another account has used the invite for this identity.
 */
export type ChannelErrorCode =
  | 'channel_error'
  | 'not_found'
  | 'bad_request'
  | 'channel_exists'
  | 'channel_closed'
  | 'commit_conflict'
  | 'invalid_payload'
  | 'request_timeout'
  | 'request_failed'
  | 'responder_left'
  | 'receipt_timeout'
  | 'join_denied'
  | 'invite_invalid'
  | 'invite_unknown'
  | 'invite_wrong_channel'
  | 'invite_expired'
  | 'invite_revoked'
  | 'invite_exhausted'
  | 'identity_taken';

const CHANNEL_STATUS: Record<ChannelErrorCode, number | undefined> = {
  channel_error: 400,
  not_found: 404,
  bad_request: 400,
  channel_exists: 409,
  channel_closed: undefined,
  commit_conflict: 409,
  invalid_payload: undefined,
  request_timeout: undefined,
  request_failed: undefined,
  responder_left: undefined,
  receipt_timeout: undefined,
  join_denied: 403,
  invite_invalid: 400,
  invite_unknown: 404,
  invite_wrong_channel: 400,
  invite_expired: 410,
  invite_revoked: 410,
  invite_exhausted: 409,
  identity_taken: 409,
};

/**
 * The channel's name is bad (message prefix `invalid channel name:`), or the channel is not in a condition to do
 * what was asked (message prefix `channel error:`).
 */
export class ChannelError extends SkytaleError<ChannelErrorCode> {
  constructor(code: ChannelErrorCode, detail: string, options?: SkytaleErrorOptions) {
    const prefix = code === 'channel_error' ? 'invalid channel name' : 'channel error';
    super(code, `${prefix}: ${detail}`, CHANNEL_STATUS[code], options);
  }

  /** The error for a name that breaks the rule of three components. */
  static invalidName(name: string, expected: string): ChannelError {
    return new ChannelError('channel_error', `${name} (expected ${expected})`);
  }
}

/** Codes of {@link MlsError}. */
export type MlsErrorCode =
  | 'mls_error'
  | 'decryption_failure'
  | 'invalid_welcome'
  | 'invalid_key_package'
  | 'epoch_mismatch'
  | 'removed_from_group'
  | 'rolled_back';

/** The MLS engine refused: a bad key package, a bad Welcome, a message that does not decrypt. Prefix `MLS engine error:`. */
export class MlsError extends SkytaleError<MlsErrorCode> {
  constructor(code: MlsErrorCode, detail: string, options?: SkytaleErrorOptions) {
    super(code, `MLS engine error: ${detail}`, undefined, options);
  }
}

/** The monthly message limit of the plan is reached. */
export class QuotaExceededError extends SkytaleError<'quota_exceeded'> {
  constructor(detail: string, options?: SkytaleErrorOptions) {
    super('quota_exceeded', `quota exceeded: ${detail}`, 429, options);
  }
}

/**
 * Codes of {@link RuntimeError}. `state_key_wrong`: the key that the stored state is encrypted under is wrong or missing, is
 * given for state that is not encrypted, or lies in a file that cannot be read or that others can reach; nothing was changed.
 */
export type RuntimeErrorCode =
  | 'runtime_error'
  | 'invalid_argument'
  | 'data_dir_in_use'
  | 'data_dir_version'
  | 'data_dir_foreign'
  | 'store_error'
  | 'store_damaged'
  | 'state_key_wrong'
  | 'mailbox_full'
  | 'message_poisoned'
  | 'actor_stopped'
  | 'ask_timeout'
  | 'name_taken'
  | 'restart_limit'
  | 'tape_damaged'
  | 'tape_version'
  | 'replay_diverged';

/** Misuse of the package, or trouble on this machine: arguments, data directory, store. Message prefix `runtime error:`. */
export class RuntimeError extends SkytaleError<RuntimeErrorCode> {
  constructor(code: RuntimeErrorCode, detail: string, options?: SkytaleErrorOptions) {
    super(code, `runtime error: ${detail}`, undefined, options);
  }
}

/** Any thrown value as a {@link SkytaleError}: one of ours as it is, anything else as `runtime_error` with its cause. */
export function toSkytaleError(error: unknown): SkytaleError {
  if (error instanceof SkytaleError) return error as SkytaleError;
  return new RuntimeError('runtime_error', error instanceof Error ? error.message : String(error), { cause: error });
}
