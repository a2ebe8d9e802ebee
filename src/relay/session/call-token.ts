import type { Metadata } from '@grpc/grpc-js';

const BEARER = /^Bearer +(\S+)$/i;

/** The token that a call came with: `authorization: Bearer …` (RFC 6750 §2.1); `undefined` without one, or with several. */
export function tokenOfCall(metadata: Metadata): string | undefined {
  const values = metadata.get('authorization');
  const [value] = values;
  return values.length === 1 && typeof value === 'string' ? BEARER.exec(value)?.[1] : undefined;
}
