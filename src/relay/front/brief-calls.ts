import { constants } from 'node:http2';
import type { ServerHttp2Stream } from 'node:http2';
import type { FrontContext } from './connection.ts';

/** What all that is asked in one call of health or reflection may take. Each question has some ten bytes. */
const MAX_REQUEST_BYTES = 64 * 1024;

/**
 * Closes the stream of a call that anybody may make if it asks for much, or does not come to the end of its question in
 * time. Without it, a stranger could have the beginnings of a hundred messages kept on each connection, for ever.
 *
 * To be called when gRPC has taken the call, which is when its stream is paused: listening sooner would set it flowing.
 */
export function keepBrief(stream: ServerHttp2Stream, { clock, limits }: FrontContext): void {
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_REQUEST_BYTES) stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  });
  const cancel = clock.schedule(limits.handshakeTimeoutMs, () => stream.close(constants.NGHTTP2_CANCEL));
  stream.once('end', cancel);
  stream.once('close', cancel);
}
