import type { FastifyRequest } from 'fastify';
import { CredentialsRefused } from '../keys/credentials.ts';
import type { Credentials } from '../keys/credentials.ts';
import { setCaller } from './app.ts';
import type { RouteConfig } from './app.ts';
import type { RateLimits } from './rate-limits.ts';

/** Lets a request in, before its body is read: by its credentials, or by how many there were from its address. */
export function admission(credentials: Credentials, limits: RateLimits): (request: FastifyRequest) => Promise<void> {
  return async (request) => {
    const { access } = request.routeOptions.config as Partial<RouteConfig>;
    if (access === undefined || access === 'open') return; // without one, there is no such route
    if (access === 'anonymous') return limits.anonymous(request);
    try {
      const mayHash = await limits.mayFail(request);
      setCaller(request, await credentials.caller(request.headers.authorization, mayHash));
    } catch (error) {
      if (error instanceof CredentialsRefused) await limits.failedAuthentication(request);
      throw error;
    }
  };
}
