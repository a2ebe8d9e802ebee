import { status } from '@grpc/grpc-js';
import { AuthError, TransportError } from '../../base/errors.ts';
import type { SkytaleError } from '../../base/errors.ts';
import { DRAINING_DETAILS } from '../wire/relay-service.ts';

/** How grpc-js tells that a call has ended. */
export interface CallEnd {
  readonly code: status;
  readonly details: string;
}

/** Whether a relay that goes away has ended the call, for its client to go elsewhere. */
export function isDraining({ code, details }: CallEnd): boolean {
  return code === status.UNAVAILABLE && details.includes(DRAINING_DETAILS);
}

/** The typed error for the end of a call, before (`connection_error`) or after (`connection_lost`) the relay's `Ready`. */
export function errorOfCallEnd(end: CallEnd, wasReady: boolean): SkytaleError {
  const cause = new Error(`gRPC status ${end.code} ${status[end.code]}: ${end.details}`);
  switch (end.code) {
    case status.UNAUTHENTICATED:
      return new AuthError('auth_failed', 'the relay does not accept the token', { cause });
    case status.PERMISSION_DENIED:
      return new AuthError('unauthorized', 'the relay denies access', { cause });
    case status.RESOURCE_EXHAUSTED:
      return new TransportError('limit_exceeded', 'the relay or this client is at a limit', { cause });
    case status.UNIMPLEMENTED:
      return new TransportError('protocol_error', 'the endpoint does not offer skytale.relay.v1.Relay', { cause });
    default:
      return wasReady
        ? new TransportError('connection_lost', 'the connection to the relay is lost', { cause })
        : new TransportError('connection_error', 'the relay cannot be reached', { cause });
  }
}
