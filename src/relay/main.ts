#!/usr/bin/env node
import { Command, InvalidArgumentError, Option } from 'commander';
import { pino } from 'pino';
import { toSkytaleError } from '../base/errors.ts';
import { startRelay } from './start-relay.ts';

interface Flags {
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
  readonly logLevel: string;
  readonly insecureOpen: boolean;
}

const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'];

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_535) return port;
  throw new InvalidArgumentError('Expected a number from 0 to 65535.');
}

/** Runs until the first SIGTERM or SIGINT, drains, and ends; the second signal ends at once. */
async function serve({ host, port, dataDir, logLevel, insecureOpen }: Flags): Promise<void> {
  // Logs go to stderr at once: stdout belongs to the line that says that the relay is ready.
  const logger = pino({ level: logLevel, base: null }, pino.destination({ dest: 2, sync: true }));
  const relay = await startRelay({ dataDir, host, port, insecureOpen, logger });
  const stop = (signal: NodeJS.Signals): void => {
    process.removeListener('SIGTERM', stop);
    process.removeListener('SIGINT', stop);
    logger.info({ signal }, 'draining');
    void relay.close();
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.stdout.write(`${JSON.stringify({ ready: true, endpoint: relay.endpoint })}\n`);
  const failure = await relay.closed;
  if (failure !== undefined) throw failure;
  logger.info({}, 'relay has ended');
}

const program = new Command('skytale-relay')
  .description('Relays end-to-end encrypted channels. Prints one line of JSON on stdout when it is ready.')
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .option('--port <number>', 'port to listen on, 0 for a free one', parsePort, 5000)
  .requiredOption('--data-dir <directory>', 'where the log is kept')
  .addOption(new Option('--log-level <level>', 'what to log on stderr').choices(LOG_LEVELS).default('info'))
  .option('--insecure-open', 'listen beyond this machine without authenticating clients', false)
  .action(async (flags: Flags) => {
    try {
      await serve(flags);
    } catch (error) {
      const { code, message } = toSkytaleError(error);
      process.stderr.write(`skytale-relay: ${message} (${code})\n`);
      process.exitCode = 1;
    }
  });

await program.parseAsync();
