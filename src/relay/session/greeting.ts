import { PROTOCOL_VERSION } from '../../transport/index.ts';
import type { ServerFrameInit } from '../../transport/index.ts';
import type { RelayLimits } from '../limits.ts';
import { ConnectionRefusal } from './connection-refusal.ts';

type Ready = Extract<ServerFrameInit, { case: 'ready' }>['value'];

/** @throws {@link ConnectionRefusal} `unsupported-version` if a client speaks another version of the protocol. */
export function checkVersion(version: number): void {
  if (version === PROTOCOL_VERSION) return;
  const detail = `protocol version ${version}; this relay speaks version ${PROTOCOL_VERSION}`;
  throw new ConnectionRefusal('unsupported-version', detail);
}

/**
 * What a client is told in answer to its Hello.
 *
 * @param tokenExpiresAtMs absent where the relay asks for no token
 */
export function readyOf(
  { maxPayloadBytes, maxBatchEntries, maxFrameBytes }: RelayLimits,
  tokenExpiresAtMs: number | undefined,
  nowMs: number,
): Ready {
  return {
    protocolVersion: PROTOCOL_VERSION,
    ...{ maxPayloadBytes, maxBatchEntries, maxFrameBytes },
    tokenExpiresAtMs: BigInt(tokenExpiresAtMs ?? 0),
    clockMs: BigInt(nowMs),
  };
}
