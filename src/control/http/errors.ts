import type { Socket } from 'node:net';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { ChannelError } from '../../base/errors.ts';
import type { RelayLogger } from '../../relay/index.ts';
import { DatabaseUnavailable } from '../database/database.ts';
import { notFound, Refusal } from '../refusal.ts';

/** What goes out for an error: the documented shape. */
interface ErrorBody {
  readonly error: string;
  readonly code?: string;
}

interface ErrorAnswer {
  readonly status: number;
  readonly body: ErrorBody;
  readonly retryAfterSeconds?: number | undefined;
}

/** Texts for what Fastify finds wrong before a handler runs; its own may repeat what was sent. */
const TEXTS: Readonly<Record<number, string>> = {
  400: 'bad request',
  404: 'Not found',
  408: 'the request took too long',
  413: 'the body is too large',
  414: 'the address is too long',
  415: 'expected content-type application/json',
  431: 'the header fields are too large',
};
const BY_CODE: Readonly<Record<string, string>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: 'the body is not valid JSON',
  FST_ERR_BAD_URL: 'the address is malformed',
};

/**
 * Answers errors in the documented shape, `{"error": …}`. What is nobody's fault but ours is a 500 that says nothing; the log
 * says the rest.
 */
export function errorHandler(
  logger: RelayLogger,
): (error: FastifyError | Error, request: FastifyRequest, reply: FastifyReply) => FastifyReply {
  return (error, request, reply) => {
    const answer = answerTo(error);
    if (answer.status >= 500) {
      const route = request.routeOptions.url;
      const log = answer.status === 500 ? 'error' : 'warn';
      logger[log]({ err: error, requestId: request.id, method: request.method, route }, 'a request has failed');
    }
    if (answer.retryAfterSeconds !== undefined) void reply.header('retry-after', answer.retryAfterSeconds);
    if (answer.status === 401) void reply.header('www-authenticate', 'Bearer');
    return reply.code(answer.status).send(answer.body);
  };
}

/** Answers requests for what there is not. */
export function notFoundHandler(_request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { status, body } = answerTo(notFound());
  return reply.code(status).send(body);
}

/** Answers bytes that are no HTTP, or too much of it, and closes the connection. */
export function clientErrorHandler(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
  const body = JSON.stringify({ error: TEXTS[status] ?? 'bad request' } satisfies ErrorBody);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_TEXTS[status]}\r\ncontent-type: application/json; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

const STATUS_TEXTS = { 400: 'Bad Request', 408: 'Request Timeout', 431: 'Request Header Fields Too Large' } as const;

function answerTo(error: FastifyError | Error): ErrorAnswer {
  if (error instanceof Refusal) {
    const { status, message, code, retryAfterSeconds } = error;
    return { status, body: { error: message, ...(code === undefined ? {} : { code }) }, retryAfterSeconds };
  }
  if (error instanceof ChannelError) return { status: 400, body: { error: error.message, code: error.code } };
  if (error instanceof DatabaseUnavailable) {
    return { status: 503, body: { error: error.message, code: 'database_unavailable' }, retryAfterSeconds: 1 };
  }
  const { statusCode: status = 500, code = '', validation } = error as Partial<FastifyError>;
  if (validation !== undefined) return { status: 400, body: { error: error.message, code: 'bad_request' } };
  if (status >= 400 && status < 500) {
    return { status, body: { error: BY_CODE[code] ?? TEXTS[status] ?? 'bad request', code: 'bad_request' } };
  }
  if (status === 503) return { status, body: { error: 'the server is closing' }, retryAfterSeconds: 1 };
  return { status: 500, body: { error: 'internal error' } };
}
