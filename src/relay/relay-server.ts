import { Server } from '@grpc/grpc-js';
import type { handleBidiStreamingCall } from '@grpc/grpc-js';
import { toSkytaleError } from '../base/errors.ts';
import { DRAINING_DETAILS, relayFile, relayService } from '../transport/index.ts';
import {
  addReflection,
  followTlsFiles,
  Front,
  GrpcHealth,
  readTlsFiles,
  watchStuckReaders,
  within,
} from './front/index.ts';
import type { HttpRoutes, Peer, Reader, TlsPaths } from './front/index.ts';
import { Session } from './session/session.ts';
import type { SessionContext, SessionHoldings } from './session/session.ts';

/** The relay's port, served. */
export interface RelayServer {
  readonly port: number;
  /** How many connections are open, whatever they are for. */
  readonly connections: number;
  /** What each session holds now. */
  holdings(): readonly SessionHoldings[];
  /**
   * Reads the TLS files anew, for the connections that come from now on. Files that do not fit change nothing. Without
   * TLS it does nothing.
   *
   * @throws {@link RuntimeError} `invalid_argument`, naming the file that cannot be read or does not fit.
   */
  reloadTls(): Promise<void>;
  /** Takes no more connections, has every session answer what it was asked, ends the streams with `UNAVAILABLE`. */
  close(): Promise<void>;
}

/** Where to listen, and what to answer beside the relay's own calls. */
export interface ListenOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Default: not encrypted. The files are followed: what is written there is used for later connections. */
  readonly tls?: TlsPaths;
  /** What a plain GET is answered, on HTTP/1.1 and HTTP/2. Default: nothing is found. */
  readonly routes?: HttpRoutes;
  /** What `grpc.health.v1` says, until the server closes. Default: it serves unless its engine is `failing`. */
  readonly isServing?: () => Promise<boolean>;
}

/** Health and reflection are asked in passing. */
const LASTING_PATHS = new Set([relayService.connect.path]);
/** Calls at once on one connection. A client needs one; a proxy may bring those of many on one connection. */
const MAX_CALLS = 100;
/** Time for the log to answer what was published when the relay closes. */
const ANSWER_MS = 10_000;
/** Time for clients to read what is left for them when the relay closes. */
const DRAIN_MS = 2_000;

/**
 * Serves sessions over gRPC, and beside them health, reflection and plain HTTP, all on one port.
 *
 * @throws {@link TransportError} `connection_error` if the address cannot be listened on.
 * @throws {@link RuntimeError} `invalid_argument` if the TLS files cannot be used.
 */
export async function listen(options: ListenOptions, context: SessionContext): Promise<RelayServer> {
  const {
    tls,
    routes = new Map(),
    isServing = async () => (await context.engine.health()).status !== 'failing',
  } = options;
  const { limits, clock, logger } = context;
  const sessions = new Map<Session, Peer>();
  const server = new Server({
    'grpc.max_receive_message_length': limits.maxFrameBytes,
    'grpc.max_send_message_length': -1,
    'grpc.max_concurrent_streams': MAX_CALLS,
    'grpc.keepalive_time_ms': limits.keepaliveMs,
    'grpc.keepalive_timeout_ms': limits.keepaliveTimeoutMs,
    'grpc.enable_channelz': 0,
  });
  let isClosing = false;
  const connect: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
    const peer = front.caller(call);
    const session = new Session(call, context, peer);
    sessions.set(session, peer);
    void session.closed.then(() => sessions.delete(session));
    if (isClosing) void session.drain(DRAINING_DETAILS);
  };
  server.addService(relayService, { connect });
  const health = new GrpcHealth({
    services: relayFile.services.map(({ typeName }) => typeName),
    isServing: async () => !isClosing && (await isServing()),
    clock,
  });
  health.addTo(server);
  addReflection(server, [relayFile]);

  const material = tls === undefined ? undefined : await readTlsFiles(tls);
  const front = new Front({ server, routes, lastingPaths: LASTING_PATHS, tls: material }, context);
  const port = await front.listen(options.host, options.port);

  const reloadTls = async (): Promise<void> => {
    if (tls === undefined) return;
    front.renewTls(await readTlsFiles(tls));
    logger.info({}, 'TLS certificate renewed');
  };
  const stopFollowing =
    tls === undefined
      ? undefined
      : followTlsFiles(tls, clock, () => {
          reloadTls().catch((error: unknown) => {
            logger.error({ err: toSkytaleError(error) }, 'the TLS certificate stays what it was');
          });
        });
  const stopWatching = watchStuckReaders(() => readers(sessions), limits.stuckReaderMs, clock);

  const shutDown = async (): Promise<void> => {
    isClosing = true;
    stopFollowing?.();
    front.stopAccepting();
    health.close();
    server.tryShutdown(() => undefined); // tells every connection to go away when its calls are over
    const drained = Promise.all([...sessions.keys()].map((session) => session.drain(DRAINING_DETAILS)));
    if (!(await within(ANSWER_MS, drained, clock))) logger.error({}, 'publishes stay without an answer');
    const cut = await front.closed(DRAIN_MS);
    if (cut > 0) logger.warn({ clients: cut }, 'clients were cut off that did not read');
    stopWatching();
    server.forceShutdown();
  };
  let closing: Promise<void> | undefined;
  return {
    port,
    get connections() {
      return front.connections;
    },
    holdings: () => [...sessions.keys()].map((session) => session.holdings),
    reloadTls,
    close: () => (closing ??= shutDown()),
  };
}

function* readers(sessions: ReadonlyMap<Session, Peer>): Generator<readonly [Session, Reader]> {
  for (const [session, peer] of sessions) {
    const { unreadBytes } = session.holdings;
    yield [session, { unreadBytes, takenBytes: peer.takenBytes, cut: () => peer.cut('stuck-reader') }];
  }
}
