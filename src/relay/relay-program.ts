import { Command } from 'commander';
import { toSkytaleError } from '../base/errors.ts';
import { loadConfiguration } from './config/load-configuration.ts';
import type { Configuration } from './config/load-configuration.ts';
import type { SettingFlags } from './config/flags.ts';
import { pinoLogger } from './pino-logger.ts';
import { startRelay } from './start-relay.ts';

interface Flags extends SettingFlags {
  readonly config?: string;
  readonly checkConfig: boolean;
}

/** Runs until the first SIGTERM or SIGINT, drains, and ends; the second signal ends at once. */
async function serve({ options, logLevel, notices }: Configuration): Promise<void> {
  const logger = pinoLogger(logLevel);
  for (const notice of notices) logger.warn({}, notice);
  const relay = await startRelay({ ...options, logger });
  const stop = (signal: NodeJS.Signals): void => {
    process.removeListener('SIGTERM', stop);
    process.removeListener('SIGINT', stop);
    logger.info({ signal, pauseMs: options.drainPauseMs }, 'draining');
    void relay.close();
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  // Without TLS the signal keeps its meaning: the terminal is gone.
  if (options.tls !== undefined)
    process.on('SIGHUP', () => {
      relay
        .reloadTls()
        .catch((error: unknown) => logger.error({ err: error }, 'the TLS certificate stays what it was'));
    });
  const { endpoint, operatorEndpoint } = relay;
  process.stdout.write(`${JSON.stringify({ ready: true, endpoint, operatorEndpoint })}\n`);
  const failure = await relay.closed;
  if (failure !== undefined) throw failure;
  logger.info({}, 'relay has ended');
}

const collect = (value: string, before: readonly string[]): string[] => [...before, value];

/**
 * The command that runs a relay in this process, `skytale-relay` by itself and `relay` in another program. Sets the exit code
 * of the process: 1 if the relay fails.
 */
export function relayProgram(name: string = 'skytale-relay'): Command {
  return new Command(name)
    .description(
      'Relays end-to-end encrypted channels. Prints one line of JSON on stdout when it is ready; logs on stderr.',
    )
    .option('--config <file>', 'configuration in TOML')
    .option('--check-config', 'print the configuration that would hold, without secrets, and end', false)
    .option('--host <address>', 'address to listen on')
    .option('--port <number>', 'port to listen on, 0 for a free one')
    .option('--data-dir <directory>', 'where the log is kept')
    .option('--engine <kind>', 'where the log of all channels is kept: memory, sqlite or nats')
    .option('--log-level <level>', 'what to log: debug, info, warn, error or silent')
    .option('--insecure-open', 'listen beyond this machine without authenticating clients')
    .option('--set <key=value>', 'any other key of the configuration, repeatable', collect, [])
    .addHelpText('after', '\nFlags win over the environment (SKYTALE_RELAY_…), that over the file: docs/relay.md.')
    .action(async (flags: Flags) => {
      try {
        const configuration = await loadConfiguration({
          file: flags.config,
          environment: process.env,
          flags,
        });
        if (flags.checkConfig) process.stdout.write(configuration.shown);
        else await serve(configuration);
      } catch (error) {
        const { code, message } = toSkytaleError(error);
        process.stderr.write(`skytale-relay: ${message} (${code})\n`);
        process.exitCode = 1;
      }
    });
}
