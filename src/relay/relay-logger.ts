/**
 * Where the relay tells its operator what happens; a pino logger fits. Lines hold channel names, counts, reasons and
 * peers' addresses; never a payload, a message id, a group or a key package.
 */
export interface RelayLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

const ignore = (): void => undefined;

/** Says nothing. */
export const silentLogger: RelayLogger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
