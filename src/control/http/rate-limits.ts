import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Clock } from '../../base/clock.ts';
import type { ControlLimits } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import { windowStore } from './window-store.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** What strangers may do, by address; IPv6 addresses count by their /64. */
export interface RateLimits {
  /** Counts a request without credentials. @throws {@link Refusal} 429 `rate_limited` */
  anonymous(request: FastifyRequest): Promise<void>;
  /** Counts an account that is made. @throws {@link Refusal} 429 `rate_limited` */
  accounts(request: FastifyRequest): Promise<void>;
  /** Counts credentials that were refused. */
  failedAuthentication(request: FastifyRequest): Promise<void>;
  /** Whether not too many credentials from there were refused lately. */
  mayFail(request: FastifyRequest): Promise<boolean>;
}

/** Adds the limits to a server. */
export async function rateLimits(app: FastifyInstance, limits: ControlLimits, clock: Clock): Promise<RateLimits> {
  await app.register(rateLimit, { global: false, store: windowStore(clock) });
  const limiter = (max: number, timeWindow: number): ReturnType<FastifyInstance['createRateLimit']> =>
    app.createRateLimit({ max, timeWindow });
  const anonymous = limiter(limits.anonymousPerMinute, MINUTE_MS);
  const accounts = limiter(limits.accountsPerHour, HOUR_MS);
  const failures = limiter(limits.failedAuthenticationsPerMinute, MINUTE_MS);

  const check = async (limit: typeof anonymous, request: FastifyRequest): Promise<void> => {
    const found = await limit(request);
    if (found.isAllowed || !found.isExceeded) return;
    const seconds = Math.max(1, found.ttlInSeconds);
    throw new Refusal(429, `too many requests from this address, try again in ${seconds} s`, 'rate_limited', seconds);
  };
  return {
    anonymous: (request) => check(anonymous, request),
    accounts: (request) => check(accounts, request),
    failedAuthentication: async (request) => {
      await failures(request);
    },
    mayFail: async (request) => {
      const found = await failures(request, { increment: false });
      return found.isAllowed || found.remaining > 0;
    },
  };
}
