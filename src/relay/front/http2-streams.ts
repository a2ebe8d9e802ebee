import { constants } from 'node:http2';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { FrontContext } from './connection.ts';
import { answerHttp } from './http-routes.ts';
import type { HttpRoutes } from './http-routes.ts';

/**
 * Answers a request of plain HTTP/2. A peer that does not take the answer in time loses the stream.
 */
export function answerHttp2(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  routes: HttpRoutes,
  { clock, limits, logger }: FrontContext,
): void {
  stream.on('error', (error) => logger.debug({ err: error }, 'an HTTP/2 request failed'));
  const cancel = clock.schedule(limits.handshakeTimeoutMs, () => stream.close(constants.NGHTTP2_CANCEL));
  stream.once('close', cancel);
  const { ':method': method = '', ':path': target = '', authorization } = headers;
  void answerHttp(routes, { method, target, authorization, body: stream }).then((answer) => {
    if (stream.destroyed || stream.closed) return;
    stream.resume(); // what is left of a body is of no use
    stream.respond({ ...answer.headers, ':status': answer.status });
    stream.end(answer.body);
  });
}

/** Closes a stream that was answered in full if its peer does not end its own side in time. */
export function closeWhenAnswered(stream: ServerHttp2Stream, { clock, limits }: FrontContext): void {
  let cancel = (): void => undefined;
  stream.once('finish', () => {
    if (stream.closed) return;
    cancel = clock.schedule(limits.handshakeTimeoutMs, () => stream.close(constants.NGHTTP2_NO_ERROR));
  });
  stream.once('close', () => cancel());
}
