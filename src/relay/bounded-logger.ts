import type { Clock } from '../base/clock.ts';
import type { RelayLogger } from './relay-logger.ts';

/** A logger that strangers cannot fill the disk with. */
export interface BoundedLogger extends RelayLogger {
  /** Says what was not written so far. To be called last. Idempotent. */
  flush(): void;
}

type Level = 'warn' | 'error';

/** Lines of one message in a window. */
const MAX_LINES = 20;
const WINDOW_MS = 60_000;
/** Messages that are counted apart. The relay has some tens; texts from elsewhere beyond that are counted together. */
const MAX_MESSAGES = 256;
const OTHERS = 'other messages';

interface Window {
  lines: number;
  unwritten: number;
  readonly level: Level;
  readonly cancel: () => void;
}

/**
 * Writes warnings and errors to `logger`, of each message {@link MAX_LINES} in a minute: whoever can cause a line (a token that is
 * refused, a broken frame) could cause millions. What was not written is counted, and the count is written when the minute is
 * over. Other levels pass.
 */
export function boundedLogger(logger: RelayLogger, clock: Pick<Clock, 'schedule'>): BoundedLogger {
  const windows = new Map<string, Window>();

  const close = (message: string, { unwritten, level }: Window): void => {
    windows.delete(message);
    if (unwritten > 0) logger[level]({ unwritten, withinMs: WINDOW_MS }, `${message} (more of these were not written)`);
  };
  const write = (level: Level, fields: object, message: string): void => {
    const key = windows.has(message) || windows.size < MAX_MESSAGES ? message : OTHERS;
    let window = windows.get(key);
    if (window === undefined) {
      const opened: Window = {
        ...{ lines: 0, unwritten: 0, level },
        cancel: clock.schedule(WINDOW_MS, () => close(key, opened)),
      };
      window = opened;
      windows.set(key, window);
    }
    if (window.lines < MAX_LINES) {
      window.lines += 1;
      logger[level](fields, message);
    } else window.unwritten += 1;
  };
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => write('warn', fields, message),
    error: (fields, message) => write('error', fields, message),
    flush() {
      for (const [message, window] of [...windows]) {
        window.cancel();
        close(message, window);
      }
    },
  };
}
