import { toSkytaleError } from '../src/base/errors.ts';
import type { Calls, CommonCalls, Memory, Request, Response, Usage } from './program-protocol.ts';

type Handler = (argument: unknown) => unknown;

/**
 * Answers the bench that started this process, until it disconnects; then runs `stop` and ends the process.
 *
 * An error that nobody handles ends the process with its trace, and fails the bench.
 */
export function serve<T extends Calls<T>>(calls: T, stop: () => Promise<void>): void {
  const handlers = new Map(Object.entries<unknown>({ ...common, ...calls }) as [string, Handler][]);
  process.on('message', (request: Request) => void answer(handlers, request));
  // Exit by hand: a profile is written on exit only, and what still runs must not keep a process that nobody owns.
  process.once('disconnect', () => void stop().finally(() => process.exit()));
}

async function answer(handlers: ReadonlyMap<string, Handler>, { id, name, argument }: Request): Promise<void> {
  try {
    const handler = handlers.get(name);
    if (handler === undefined) throw new Error(`there is no call ${name}`);
    respond({ id, answer: await handler(argument) });
  } catch (error) {
    const { stack, message } = toSkytaleError(error);
    respond({ id, error: stack ?? message });
  }
}

function respond(response: Response): void {
  if (process.connected) process.send?.(response);
}

const common: CommonCalls = {
  usage(): Usage {
    const { user, system } = process.cpuUsage();
    return { cpuMicros: user + system };
  },
  memory(): Memory {
    if (globalThis.gc === undefined) throw new Error('Expected the process to run with --expose-gc.');
    // Twice: what finalizers let go of in the first run is collected in the second.
    globalThis.gc();
    globalThis.gc();
    const { heapUsed, external } = process.memoryUsage();
    return { heapBytes: heapUsed, externalBytes: external };
  },
};
