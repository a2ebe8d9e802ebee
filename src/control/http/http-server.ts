import fastifySwagger from '@fastify/swagger';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { fastify } from 'fastify';
import type { Clock } from '../../base/clock.ts';
import type { RelayLogger } from '../../relay/index.ts';
import type { ControlLimits } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import type { Services } from '../services.ts';
import { admission } from './access.ts';
import { decorateCaller } from './app.ts';
import type { App } from './app.ts';
import { clientErrorHandler, errorHandler, notFoundHandler } from './errors.ts';
import { OPENAPI } from './openapi.ts';
import { rateLimits } from './rate-limits.ts';
import { accountRoutes } from './routes/accounts.ts';
import { billingRoutes } from './routes/billing.ts';
import { channelRoutes } from './routes/channels.ts';
import { inviteRoutes } from './routes/invites.ts';
import { joinRoutes } from './routes/joins.ts';
import { keyRoutes } from './routes/keys.ts';
import { pendingRoutes } from './routes/pending.ts';
import { removalRoutes } from './routes/removals.ts';
import { revocationRoutes } from './routes/revocations.ts';
import { serviceRoutes } from './routes/service.ts';
import { tokenRoutes } from './routes/tokens.ts';
import { usageRoutes } from './routes/usage.ts';
import { validatorCompiler } from './validation.ts';

/** What the server needs beside the services. */
export interface HttpSetup {
  readonly clock: Clock;
  readonly logger: RelayLogger;
  readonly limits: ControlLimits;
  /** Addresses of proxies whose `x-forwarded-for` counts. */
  readonly trustedProxies: readonly string[];
  readonly publicUrl: string | undefined;
}

/**
 * The API over HTTP. A request goes: admission (who is this, or how often from there), its body within limits, the schema of its
 * route, the service, the schema of the answer. What goes wrong on the way ends in the error handler.
 */
export async function createHttpServer(services: Services, setup: HttpSetup): Promise<App> {
  const { clock, logger, limits, trustedProxies, publicUrl } = setup;
  const onError = errorHandler(logger);
  const app: App = fastify({
    logger: false,
    http: { maxHeaderSize: limits.maxHeaderBytes },
    bodyLimit: limits.maxBodyBytes,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.idleTimeoutMs,
    forceCloseConnections: 'idle',
    requestIdHeader: false,
    trustProxy: trustedProxies.length === 0 ? false : [...trustedProxies],
    exposeHeadRoutes: false,
    frameworkErrors: (error, request, reply) => void onError(error, request, reply),
    clientErrorHandler,
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.server.maxConnections = limits.maxConnections;
  app.setValidatorCompiler(validatorCompiler);
  app.setErrorHandler(onError);
  app.setNotFoundHandler(notFoundHandler);
  readJson(app);
  decorateCaller(app);
  addHeaders(app);
  logRequests(app, logger);

  const limited = await rateLimits(app, limits, clock);
  await app.register(fastifySwagger, {
    openapi: { ...OPENAPI, ...(publicUrl === undefined ? {} : { servers: [{ url: publicUrl }] }) },
  });
  app.addHook('onRequest', admission(services.credentials, limited));
  serviceRoutes(app, services);
  accountRoutes(app, services, limited);
  for (const routes of [keyRoutes, tokenRoutes, channelRoutes, inviteRoutes, joinRoutes, pendingRoutes])
    routes(app, services);
  for (const routes of [revocationRoutes, removalRoutes, usageRoutes, billingRoutes]) routes(app, services);
  await app.ready();
  return app;
}

/** Bodies are objects in JSON. One that is empty is none, whatever its content type says. */
function readJson(app: App): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body.length === 0) return done(null, undefined);
    void parse(request, body as string, (error, value) => {
      const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
      if (error === null && !isObject) done(new Refusal(400, 'the body must be a JSON object', 'bad_request'));
      else done(error, value);
    });
  });
}

/** Answers hold secrets, and are nobody's to keep or to take for something else. */
function addHeaders(app: App): void {
  let isClosing = false;
  app.addHook('preClose', (done) => {
    isClosing = true;
    done();
  });
  app.addHook('onSend', (request, reply, _payload, done) => {
    void reply.headers({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-request-id': request.id,
    });
    if (isClosing) void reply.header('connection', 'close');
    done();
  });
}

/** One line for each request: its route, never its address, header or body. */
function logRequests(app: App, logger: RelayLogger): void {
  app.addHook('onResponse', (request, reply, done) => {
    const { id: requestId, method, routeOptions } = request;
    const fields = {
      requestId,
      method,
      route: routeOptions.url,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
    };
    logger.debug(fields, 'request');
    done();
  });
}
