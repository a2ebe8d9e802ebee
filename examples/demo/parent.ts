import { fromEvent, type Observable } from 'rxjs';
import type { Failed } from './protocol.ts';

/** The demo, as seen from a process that it has started. */
export interface Parent<To, From> {
  readonly inbox$: Observable<To>;
  readonly tell: (message: From) => void;
  /** Says a last thing, and ends the process when it is said. */
  readonly leave: (message: From) => void;
}

/** The link to the demo. The process does not outlive the demo, and leaves it to the demo what Ctrl-C means. */
export function connectParent<To, From>(): Parent<To, From | Failed> {
  const send = (message: From | Failed, whenSent: () => void = () => undefined): void => {
    // The demo may be gone; then 'disconnect' ends this process.
    process.send?.(message, undefined, {}, whenSent);
  };
  process.on('disconnect', () => process.exit(1));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);
  process.on('uncaughtException', (error) => {
    send({ kind: 'failed', message: error.stack ?? error.message }, () => process.exit(1));
  });
  return {
    inbox$: fromEvent(process, 'message', (message) => message as To),
    tell: (message) => send(message),
    leave: (message) => send(message, () => process.exit(0)),
  };
}

/** What the process was told when it was started. */
export function readBrief(): unknown {
  return JSON.parse(process.argv[2] ?? '');
}
