import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../keys/credentials.ts';

/** The server as routes see it: what their schemas say, their handlers are given. */
export type App = FastifyInstance<Server, IncomingMessage, ServerResponse, FastifyBaseLogger, TypeBoxTypeProvider>;

/** Who may use a route: anybody, anybody as often as the limits allow, or who has credentials. */
type Access = 'open' | 'anonymous' | 'account';

/** What a route says about itself beside its schema. */
export interface RouteConfig {
  readonly access: Access;
}

/** For routes that cost nothing. */
export const OPEN: RouteConfig = { access: 'open' };
/** For routes that anybody may use. */
export const ANONYMOUS: RouteConfig = { access: 'anonymous' };
/** For routes of accounts. */
export const ACCOUNT: RouteConfig = { access: 'account' };

const CALLER = 'caller';

/** Prepares requests to carry who makes them. */
export function decorateCaller(app: App): void {
  app.decorateRequest(CALLER);
}

/** Notes who makes a request. */
export function setCaller(request: FastifyRequest, caller: Caller): void {
  request.setDecorator(CALLER, caller);
}

/** Who makes a request to a route with `access: 'account'`. */
export function callerOf(request: Pick<FastifyRequest, 'getDecorator'>): Caller {
  return request.getDecorator<Caller>(CALLER);
}

/** Aborted when the one who asks has gone away. */
export function goneSignal(reply: Pick<FastifyReply, 'raw'>): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => controller.abort());
  if (reply.raw.destroyed) controller.abort();
  return controller.signal;
}
