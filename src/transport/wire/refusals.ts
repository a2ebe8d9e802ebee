import { AuthError, ChannelError, MlsError, QuotaExceededError, TransportError } from '../../base/errors.ts';
import type { SkytaleError } from '../../base/errors.ts';
import { Refusal } from '../gen/skytale/relay/v1/relay_pb.ts';
import type { RefusalReason } from '../relay-transport.ts';

const TO_WIRE: Readonly<Record<RefusalReason, Refusal>> = {
  'unsupported-version': Refusal.UNSUPPORTED_VERSION,
  'protocol-error': Refusal.PROTOCOL_ERROR,
  'epoch-decided': Refusal.EPOCH_DECIDED,
  'epoch-unknown': Refusal.EPOCH_UNKNOWN,
  'stale-epoch': Refusal.STALE_EPOCH,
  'foreign-group': Refusal.FOREIGN_GROUP,
  'too-large': Refusal.TOO_LARGE,
  malformed: Refusal.MALFORMED,
  limit: Refusal.LIMIT,
  unavailable: Refusal.UNAVAILABLE,
  'invalid-channel': Refusal.INVALID_CHANNEL,
  unauthorized: Refusal.UNAUTHORIZED,
  'log-went-back': Refusal.LOG_WENT_BACK,
  'quota-exceeded': Refusal.QUOTA_EXCEEDED,
  'rate-limited': Refusal.RATE_LIMITED,
};

const FROM_WIRE: ReadonlyMap<Refusal, RefusalReason> = new Map(
  Object.entries(TO_WIRE).map(([reason, refusal]) => [refusal, reason as RefusalReason]),
);

/** A reason as it goes over the wire. */
export function refusalToWire(reason: RefusalReason): Refusal {
  return TO_WIRE[reason];
}

/** A reason from the wire; one that only a newer relay knows reads as `protocol-error`, which no resending cures. */
export function refusalFromWire(refusal: Refusal): RefusalReason {
  return FROM_WIRE.get(refusal) ?? 'protocol-error';
}

/** The typed error for a refusal. `detail` is the relay's text. */
export function refusalError(reason: RefusalReason, detail: string): SkytaleError {
  const text = detail === '' ? `refused by the relay: ${reason}` : `refused by the relay: ${detail}`;
  switch (reason) {
    case 'unauthorized':
      return new AuthError('unauthorized', text);
    case 'unsupported-version':
      return new TransportError('unsupported_version', text);
    case 'protocol-error':
    case 'malformed':
      return new TransportError('protocol_error', text);
    case 'too-large':
      return new TransportError('message_too_large', text);
    case 'quota-exceeded':
      return new QuotaExceededError(text);
    case 'limit':
    case 'rate-limited':
      return new TransportError('limit_exceeded', text);
    case 'unavailable':
      return new TransportError('transport_error', text);
    case 'foreign-group':
      return new ChannelError('channel_exists', text);
    case 'invalid-channel':
      return new ChannelError('bad_request', text);
    case 'epoch-decided':
      return new ChannelError('commit_conflict', text);
    case 'log-went-back':
    case 'epoch-unknown':
    case 'stale-epoch':
      return new MlsError('epoch_mismatch', text);
  }
}
