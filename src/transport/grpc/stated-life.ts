/**
 * How long a token is good from now on, in milliseconds, as it says itself: the `exp` of a JWT (RFC 7519 §4.1.4).
 * Nothing is verified, for that is the relay's part; `undefined` for a token that says nothing.
 *
 * Where it also tells when it was made (`iat`), it is never taken for good longer than from then to its end: so a clock
 * of ours that is behind does not stretch it.
 */
export function statedLifeMs(token: string, nowMs: number): number | undefined {
  const { exp, iat } = readClaims(token);
  if (!isTime(exp)) return undefined;
  const leftMs = exp * 1000 - nowMs;
  return isTime(iat) ? Math.min(leftMs, (exp - iat) * 1000) : leftMs;
}

interface Claims {
  readonly exp?: unknown;
  readonly iat?: unknown;
}

function readClaims(token: string): Claims {
  const [, payload, ...rest] = token.split('.');
  // Header, payload, signature.
  if (payload === undefined || rest.length !== 1) return {};
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString());
    return typeof claims === 'object' && claims !== null ? claims : {};
  } catch {
    // Two dots and no JWT: opaque like any other.
    return {};
  }
}

function isTime(claim: unknown): claim is number {
  return typeof claim === 'number' && Number.isFinite(claim);
}
