import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { CliContext } from '../context.ts';
import { Handover, OutputClosed } from '../ending.ts';
import { readLines } from '../lines.ts';
import type { Terminal } from '../terminal.ts';
import type { AgentSession } from './agent-session.ts';
import {
  type CallerFrame,
  COMMAND_VERSION,
  commandSocketPath,
  type HolderFrame,
  MAX_FRAME_BYTES,
} from './command-frame.ts';

const MAX_CALLERS = 32;

/** Runs commands of other processes on the agent that this one has open. */
export interface CommandServer {
  /**
   * Takes no more commands. Those that end by themselves are waited for, unless `isHurried`; those that would go on for
   * ever (`tail`) are told to go on by themselves.
   */
  close(isHurried: boolean): Promise<void>;
}

/**
 * Listens in the data directory, for its owner alone. Where that is not possible, other processes are refused with
 * `data_dir_in_use`, and nothing else is lost.
 */
export async function serveCommands(
  dataDir: string,
  session: AgentSession,
  context: CliContext,
): Promise<CommandServer> {
  const path = commandSocketPath(dataDir);
  const running = new Map<Promise<void>, AbortController>();
  const lasting = new Set<AbortController>();
  const sockets = new Set<Socket>();
  const accept = (socket: Socket): void => {
    sockets.add(socket);
    const ending = new AbortController();
    const work = serveCaller(socket, ending, { ...context, lent: session }, () => lasting.add(ending))
      .catch((error: unknown) => void socket.destroy(error as Error))
      .finally(() => {
        running.delete(work);
        lasting.delete(ending);
      });
    running.set(work, ending);
    socket.on('close', () => sockets.delete(socket));
    // Told by the frames, or by their end.
    socket.on('error', () => ending.abort(new OutputClosed()));
  };
  const server = path === undefined ? undefined : await listen(path, accept);
  return {
    async close(isHurried) {
      const closed = server && new Promise<void>((resolve) => server.close(() => resolve()));
      const isBrief = ([, ending]: readonly [Promise<void>, AbortController]): boolean => !lasting.has(ending);
      if (!isHurried) await Promise.all([...running].filter(isBrief).map(([work]) => work));
      for (const ending of running.values()) ending.abort(new Handover());
      await Promise.all(running.keys());
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function listen(path: string, accept: (socket: Socket) => void): Promise<Server | undefined> {
  // The directory is locked: whoever left it is gone.
  rmSync(path, { force: true });
  const server = createServer(accept);
  server.maxConnections = MAX_CALLERS;
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(path, resolve);
    });
    chmodSync(path, 0o600);
    server.unref();
    return server;
  } catch {
    // A file system without sockets: see above, nothing else is lost.
    server.close();
    return undefined;
  }
}

async function serveCaller(
  socket: Socket,
  ending: AbortController,
  context: CliContext,
  outlast: () => void,
): Promise<void> {
  const say = (frame: HolderFrame): Promise<void> =>
    new Promise((resolve, reject) => {
      socket.write(`${JSON.stringify(frame)}\n`, (error) => {
        if (error === null || error === undefined) resolve();
        else reject(ending.signal.aborted ? (ending.signal.reason as Error) : error);
      });
    });
  const frames = readLines(socket, MAX_FRAME_BYTES);
  const first = await frames.next();
  if (first.done === true) return;
  const call = JSON.parse(String(first.value)) as CallerFrame;
  if (call.kind !== 'run' || call.version !== COMMAND_VERSION) {
    await say({ kind: 'note', text: 'skytale: the process that has the data directory is of another version\n' });
    await say({ kind: 'exit', code: 1 });
    socket.end();
    return;
  }
  const input = new RemoteInput(() => void say({ kind: 'want' }).catch(() => undefined));
  void listenToCaller(frames, input, ending);
  const { isTty, isErrorTty, isInputTty, hasColour, columns, rows } = call;
  const terminal: Terminal = {
    input: input.pieces(),
    isTty,
    isErrorTty,
    isInputTty,
    hasColour,
    columns: () => columns,
    rows: () => rows,
    signal: ending.signal,
    write: (data) => say({ kind: 'output', data: Buffer.from(data).toString('base64') }),
    // A note that cannot be told any more has nobody to read it.
    note: (text) => void say({ kind: 'note', text }).catch(() => undefined),
  };
  if (call.argv[0] === 'tail') outlast();
  const code = await context.run({ ...context, argv: call.argv, terminal, isSignalAnEnd: false, exitCode: 0 });
  await say(ending.signal.reason instanceof Handover ? { kind: 'handover' } : { kind: 'exit', code });
  socket.end();
}

/** Reads to the end, so that an end is noticed; an end before the command's is the end of the command. */
async function listenToCaller(
  frames: AsyncGenerator<Uint8Array, void, undefined>,
  input: RemoteInput,
  ending: AbortController,
): Promise<void> {
  try {
    for await (const line of frames) {
      const frame = JSON.parse(String(line)) as CallerFrame;
      if (frame.kind === 'input') input.put(Buffer.from(frame.data, 'base64'));
      else if (frame.kind === 'input-end') input.put(undefined);
    }
  } catch {
    // Broken off, or not what this version says: its end in either case.
  }
  ending.abort(new OutputClosed());
  input.put(undefined);
}

/** Stdin of another process, a piece at a time when it is wanted. */
class RemoteInput {
  readonly #want: () => void;
  #waiting: ((piece: Uint8Array | undefined) => void) | undefined;
  #isOver = false;

  constructor(want: () => void) {
    this.#want = want;
  }

  put(piece: Uint8Array | undefined): void {
    if (piece === undefined) this.#isOver = true;
    this.#waiting?.(piece);
    this.#waiting = undefined;
  }

  async *pieces(): AsyncGenerator<Uint8Array, void, undefined> {
    while (!this.#isOver) {
      const piece = await new Promise<Uint8Array | undefined>((resolve) => {
        this.#waiting = resolve;
        this.#want();
      });
      if (piece !== undefined) yield piece;
    }
  }
}
