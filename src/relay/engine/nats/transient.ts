import { JetStreamApiError } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import { RuntimeError } from '../../../base/errors.ts';

/** Codes of refusals that end when the servers have found each other. */
const NO_SUITABLE_PEERS = 10_005;

/**
 * Whether what failed may work in a moment: servers that start, elect a leader or wait for each other answer in many ways.
 * Who may not enter, and a log that is not ours to read, stay what they are.
 */
export function isTransient(error: unknown): boolean {
  if (error instanceof RuntimeError) {
    return error.code === 'store_error' && error.cause !== undefined && isTransient(error.cause);
  }
  if (error instanceof errors.AuthorizationError || error instanceof errors.PermissionViolationError) return false;
  if (error instanceof JetStreamApiError) return error.status === 503 || error.code === NO_SUITABLE_PEERS;
  return true;
}
