import { connect } from 'node:net';
import { EMPTY, Observable, takeUntil } from 'rxjs';
import { TransportError } from '../base/errors.ts';
import { fromSignal } from '../streams/index.ts';
import { FEED_FORMAT, FEED_VERSION, type InspectionFrame } from './frame.ts';

/** Characters of one line: a tree of a hundred thousand nodes. */
const MAX_LINE = 64 * 1024 * 1024;

/** Options of {@link attachInspection}. */
export interface AttachOptions {
  /** Completes the stream when aborted. */
  readonly signal?: AbortSignal;
}

/**
 * Frames of an inspection feed of another process, see docs/inspection.md: `hello`, `snapshot`, and then what changes. Cold:
 * subscribing attaches, unsubscribing detaches. Completes when the process ends its feed.
 *
 * Errors with {@link TransportError} `connection_error` if nobody serves there, or it may not be read; `unsupported_version` if
 * the other process is newer than this reader; `protocol_error` if what is served there is no inspection feed.
 *
 * @param socket path of the Unix socket: `inspect.sock` in the agent's data directory
 *
 * @example
 * const frames$ = attachInspection('./data/alice/inspect.sock');
 */
export function attachInspection(socket: string, { signal }: AttachOptions = {}): Observable<InspectionFrame> {
  return new Observable<InspectionFrame>((subscriber) => {
    const connection = connect(socket);
    connection.setEncoding('utf8');
    let rest = '';
    let isGreeted = false;
    const fail = (error: TransportError): void => {
      connection.destroy();
      subscriber.error(error);
    };
    const take = (line: string): void => {
      const frame = parse(line);
      const problem = frame === undefined ? malformed(socket) : isGreeted ? undefined : checkGreeting(frame, socket);
      if (problem !== undefined) return fail(problem);
      isGreeted = true;
      if (frame !== undefined) subscriber.next(frame);
    };
    connection.on('data', (text: string) => {
      const lines = `${rest}${text}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (!subscriber.closed) take(line);
      if (rest.length > MAX_LINE) fail(malformed(socket));
    });
    connection.once('error', (cause) => {
      fail(new TransportError('connection_error', `nothing to inspect at ${socket}: ${cause.message}`, { cause }));
    });
    connection.once('close', () => subscriber.complete());
    return () => connection.destroy();
  }).pipe(takeUntil(signal === undefined ? EMPTY : fromSignal(signal)));
}

function parse(line: string): InspectionFrame | undefined {
  try {
    const value: unknown = JSON.parse(line);
    const isFrame = typeof value === 'object' && value !== null && 'frame' in value && typeof value.frame === 'string';
    return isFrame ? (value as InspectionFrame) : undefined;
  } catch {
    // Told by its caller as what it is.
    return undefined;
  }
}

function checkGreeting(frame: InspectionFrame, socket: string): TransportError | undefined {
  if (frame.frame === 'refused') return new TransportError('connection_error', `${socket}: ${frame.reason}`);
  // It comes from another process: its type says only what it should be.
  if (frame.frame !== 'hello' || (frame.format as string) !== FEED_FORMAT) return malformed(socket);
  if (frame.version === FEED_VERSION) return undefined;
  const detail = `the agent at ${socket} speaks version ${frame.version} of the inspection feed, and this reader ${FEED_VERSION}`;
  return new TransportError('unsupported_version', `${detail}: use the same version of skytale-rx for both`);
}

function malformed(socket: string): TransportError {
  return new TransportError('protocol_error', `what is served at ${socket} is no inspection feed`);
}
