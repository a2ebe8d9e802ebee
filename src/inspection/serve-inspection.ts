import { createServer, type Socket } from 'node:net';
import type { ActorSystem } from '../actors/index.ts';
import { checkInteger } from '../base/check.ts';
import { type Clock, systemClock } from '../base/clock.ts';
import { FEED_FORMAT, FEED_VERSION } from './frame.ts';
import { InspectionFeed } from './inspection-feed.ts';
import { ReaderConnection } from './reader-connection.ts';
import type { InspectedAgent } from './sources.ts';
import { listenOn } from './unix-socket.ts';

/** Name of the socket in an agent's data directory. */
export const INSPECTION_SOCKET = 'inspect.sock';

const MAX_READERS = 16;

/** How the inspection feed is served; see docs/inspection.md. */
export interface InspectionOptions {
  /** Actor systems that are shown beside the channels. Default none. */
  readonly systems?: readonly ActorSystem[];
  /** How often is looked at what changes, while somebody reads, in milliseconds: 100 to 60 000. Default 1 000. */
  readonly intervalMs?: number;
  /** Whether messages of errors are shown that are not ours. They may hold what an actor works on. Default `false`. */
  readonly errorTexts?: boolean;
}

/** Options of {@link serveInspection}. */
export interface ServeInspectionOptions extends InspectionOptions {
  /** Path of the Unix socket. What a dead process has left there is replaced. */
  readonly socket: string;
  /** An agent that is shown with its channels. A client passes itself, see `inspect` in its options. */
  readonly agent?: InspectedAgent;
  readonly clock?: Clock;
}

/** An inspection feed that is served. */
export interface InspectionServer extends AsyncDisposable {
  /** Path of the Unix socket. */
  readonly socket: string;
  /** Ends all readers, and removes the socket. */
  close(): Promise<void>;
}

/**
 * Serves what goes on in this process to readers on this machine that are the same user: see docs/inspection.md. Does not keep
 * the process alive. A client serves its own feed, see `inspect` in its options.
 *
 * @throws {@link RuntimeError} `invalid_argument`; `runtime_error` if the socket cannot be made, or another process serves there
 */
export async function serveInspection(options: ServeInspectionOptions): Promise<InspectionServer> {
  const { socket: path, clock = systemClock, errorTexts = false, systems = [], agent } = options;
  const intervalMs = checkInteger('inspect.intervalMs', options.intervalMs ?? 1_000, 100, 60_000);
  const feed = new InspectionFeed({ clock, intervalMs, errorTexts, systems, ...(agent && { agent }) });
  const startedAtMs = Math.round(clock.now() - process.uptime() * 1_000);
  const sockets = new Set<Socket>();

  const welcome = (socket: Socket): void => {
    socket.unref();
    // A reader that goes without a word is no trouble of ours.
    socket.on('error', () => socket.destroy());
    // Read-only: what a reader says goes nowhere.
    socket.resume();
    if (sockets.size >= MAX_READERS) {
      const reason = `${MAX_READERS} readers are attached already`;
      socket.end(`${JSON.stringify({ frame: 'refused', reason })}\n`);
      return;
    }
    sockets.add(socket);
    const reader = new ReaderConnection(socket, () => feed.snapshot());
    const { pid } = process;
    const version = FEED_VERSION;
    reader.send({ frame: 'hello', format: FEED_FORMAT, version, pid, startedAtMs, atMs: clock.now(), intervalMs });
    reader.send(feed.attach());
    const subscription = feed.frames$.subscribe({
      next: (frame) => reader.send(frame),
      error: () => socket.destroy(),
      complete: () => socket.end(),
    });
    socket.once('close', () => {
      sockets.delete(socket);
      subscription.unsubscribe();
      feed.detach();
    });
  };

  const server = createServer(welcome);
  try {
    await listenOn(server, path);
  } catch (error) {
    server.close();
    feed.close();
    throw error;
  }
  server.unref();
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> =>
    (closing ??= new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.end(() => socket.destroy());
      feed.close();
    }));
  return { socket: path, close, [Symbol.asyncDispose]: close };
}
