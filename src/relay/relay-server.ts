import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { handleBidiStreamingCall } from '@grpc/grpc-js';
import { sleepUnlessAborted } from '../base/clock.ts';
import { TransportError } from '../base/errors.ts';
import { relayService } from '../transport/index.ts';
import { Session } from './session/session.ts';
import type { SessionContext, SessionHoldings } from './session/session.ts';

/** The gRPC service, listening. */
export interface RelayServer {
  readonly port: number;
  /** What each session holds now. */
  holdings(): readonly SessionHoldings[];
  /** Takes no more connections, has every session answer what it was asked, ends the streams with `UNAVAILABLE`. */
  close(): Promise<void>;
}

/** Where to listen. */
export interface ListenOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

/** A peer that does not answer a ping of HTTP/2 for so long is gone. */
const KEEPALIVE = { timeMs: 20_000, timeoutMs: 10_000 };
/** Time for clients to read what is left for them when the relay closes. */
const DRAIN_MS = 2_000;

/**
 * Serves sessions over gRPC.
 *
 * @throws {@link TransportError} `connection_error` if the address cannot be listened on.
 */
export async function listen({ host, port }: ListenOptions, context: SessionContext): Promise<RelayServer> {
  const { limits, clock, logger } = context;
  const sessions = new Set<Session>();
  const server = new Server({
    'grpc.max_receive_message_length': limits.maxFrameBytes,
    'grpc.max_send_message_length': -1,
    'grpc.keepalive_time_ms': KEEPALIVE.timeMs,
    'grpc.keepalive_timeout_ms': KEEPALIVE.timeoutMs,
    'grpc.enable_channelz': 0,
  });
  let isClosing = false;
  const connect: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
    const session = new Session(call, context, { address: call.getPeer(), cut: () => call.destroy() });
    sessions.add(session);
    void session.closed.then(() => sessions.delete(session));
    if (isClosing) void session.drain('the relay is shutting down');
  };
  server.addService(relayService, { connect });

  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(
      `${host.includes(':') ? `[${host}]` : host}:${port}`,
      ServerCredentials.createInsecure(),
      (cause, actual) => {
        if (cause === null) resolve(actual);
        else reject(new TransportError('connection_error', `cannot listen on port ${port} of ${host}`, { cause }));
      },
    );
  });

  const close = async (): Promise<void> => {
    isClosing = true;
    const gone = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
    const open = [...sessions];
    await Promise.all(open.map((session) => session.drain('the relay is shutting down')));
    const patience = new AbortController();
    const drained = Promise.all([gone, ...open.map(({ closed }) => closed)]).then(() => true);
    const expired = sleepUnlessAborted(clock, DRAIN_MS, patience.signal).then(() => false);
    const isDrained = await Promise.race([drained, expired]);
    patience.abort();
    if (!isDrained) logger.warn({ clients: sessions.size }, 'clients were cut off that did not read');
    server.forceShutdown();
  };
  return { port: bound, holdings: () => [...sessions].map((session) => session.holdings), close };
}
