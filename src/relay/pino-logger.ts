import { pino } from 'pino';
import type { DestinationStream } from 'pino';
import type { RelayLogger } from './relay-logger.ts';

/** How deep causes of errors are followed. */
const MAX_CAUSES = 5;

/**
 * A logger that writes one line of JSON for each event, with the time and without the process id and the host name.
 *
 * Of errors it writes what they are called, their code, message and stack, and those of their causes, and nothing else: pino
 * itself would write all of their properties, and libraries hang whole requests, claims and payloads on them.
 *
 * @param destination default: stderr, each line at once, so that the last one is there when the process dies
 */
export function pinoLogger(level: string, destination: DestinationStream = stderr()): RelayLogger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: errorFields },
    },
    destination,
  );
}

function stderr(): DestinationStream {
  return pino.destination({ dest: 2, sync: true });
}

function errorFields(error: unknown, depth: number = 0): unknown {
  if (!(error instanceof Error)) return typeof error === 'string' ? error : typeof error;
  const { name, message, stack, cause } = error;
  const code = (error as { code?: unknown }).code;
  return {
    type: name,
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    message,
    stack,
    ...(cause === undefined || depth >= MAX_CAUSES ? {} : { cause: errorFields(cause, depth + 1) }),
  };
}
