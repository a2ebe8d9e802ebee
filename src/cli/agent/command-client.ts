import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { TransportError } from '../../base/errors.ts';
import type { CliContext } from '../context.ts';
import { readLines } from '../lines.ts';
import {
  type CallerFrame,
  COMMAND_VERSION,
  commandSocketPath,
  type HolderFrame,
  MAX_FRAME_BYTES,
} from './command-frame.ts';

/** How a command ended that was handed over: with an exit code; or its holder is gone and it may go on by itself; or nobody took it. */
export type HandedOver = number | 'go-on' | 'nobody';

/**
 * Has the command run by the process that has the data directory, with the streams of this one.
 *
 * @throws {@link TransportError} `connection_lost` if that process ends in the middle of it
 */
export async function handOver(context: CliContext, dataDir: string): Promise<HandedOver> {
  const { terminal, argv } = context;
  const path = commandSocketPath(dataDir);
  const socket = path === undefined ? undefined : await reach(path);
  if (socket === undefined) return 'nobody';
  const say = (frame: CallerFrame): void => void socket.write(`${JSON.stringify(frame)}\n`);
  const leave = (): void => void socket.destroy();
  terminal.signal.addEventListener('abort', leave, { once: true });
  try {
    const { isTty, isErrorTty, isInputTty, hasColour } = terminal;
    const [columns, rows] = [terminal.columns(), terminal.rows()];
    say({ kind: 'run', version: COMMAND_VERSION, argv, isTty, isErrorTty, isInputTty, hasColour, columns, rows });
    const code = await follow(context, socket, say);
    terminal.signal.throwIfAborted();
    if (code !== undefined) return code;
  } catch (error) {
    terminal.signal.throwIfAborted();
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
  } finally {
    terminal.signal.removeEventListener('abort', leave);
    socket.destroy();
  }
  // Reading goes on where it was; what else was under way is not known.
  if (argv[0] === 'tail') return 'go-on';
  throw new TransportError('connection_lost', 'the process that had the data directory ended in the middle of it');
}

async function reach(path: string): Promise<Socket | undefined> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return socket;
  } catch {
    // Not there, or nobody behind it: what the caller finds out.
    socket.destroy();
    return undefined;
  }
}

/** The exit code, or `undefined` if the holder went before there was one. */
async function follow(
  { terminal }: CliContext,
  socket: Socket,
  say: (frame: CallerFrame) => void,
): Promise<number | undefined> {
  const input = terminal.input[Symbol.asyncIterator]();
  const feed = async (): Promise<void> => {
    const piece = await input.next();
    if (piece.done === true) say({ kind: 'input-end' });
    else say({ kind: 'input', data: Buffer.from(piece.value).toString('base64') });
  };
  for await (const line of readLines(socket, MAX_FRAME_BYTES)) {
    const frame = JSON.parse(String(line)) as HolderFrame;
    switch (frame.kind) {
      case 'output':
        await terminal.write(Buffer.from(frame.data, 'base64'));
        break;
      case 'note':
        terminal.note(frame.text);
        break;
      case 'want':
        feed().catch((error: unknown) => void socket.destroy(error as Error));
        break;
      case 'exit':
        return frame.code;
      case 'handover':
        return undefined;
    }
  }
  return undefined;
}
