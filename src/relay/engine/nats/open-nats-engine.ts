import { RuntimeError } from '../../../base/errors.ts';
import type { LogEngine } from '../log-engine.ts';
import { NatsEngine } from './nats-engine.ts';
import { NatsLink } from './nats-link.ts';
import { resolveNatsOptions } from './nats-options.ts';
import type { NatsEngineOptions, NatsEngineSettings } from './nats-options.ts';
import { isTransient } from './transient.ts';

const RETRY_MS = 500;

/**
 * The log on NATS JetStream, for several relays over one log. Channels are spread over a number of streams. In each, every
 * relay reads the same records in the same order and judges them by the same rules, so all relays agree on what is in the log,
 * on every sequence number and on who may do what, without talking to each other. What is acknowledged was stored by the
 * servers and read back.
 *
 * Beyond what {@link LogEngine} says:
 *
 * - Sequence numbers rise with holes between them.
 * - Message ids are recognised among the newest `idWindow` to twice that many of a shard.
 * - `maxChannels` is held by each relay as far as it has read; relays that create channels at the same moment may go beyond.
 * - A submission whose fate the servers leave open is tried again until it is known, also across lost connections. Only if
 *   the engine is closed before, it is answered `unavailable` and may be in the log.
 *
 * @throws {@link RuntimeError} `invalid_argument` for options out of range or other than those that the log was created with;
 * `store_error` if the servers cannot be reached, are too old or cannot hold the log; `store_damaged`, `data_dir_version` if
 * the log is not what a relay of this version can read.
 */
export async function openNatsEngine(options: NatsEngineOptions): Promise<LogEngine> {
  const settings = resolveNatsOptions(options);
  const { clock, openPatienceMs, onWarning } = settings;
  for (let waitedMs = 0; ; waitedMs += RETRY_MS) {
    try {
      return await openOnce(options, settings);
    } catch (error) {
      const failure =
        error instanceof RuntimeError
          ? error
          : new RuntimeError('store_error', 'the log on nats-server cannot be opened', { cause: error });
      if (waitedMs >= openPatienceMs || !isTransient(failure)) throw failure;
      if (waitedMs === 0) onWarning(`${failure.message}; trying again for ${openPatienceMs / 1000} s`);
    }
    await new Promise<void>((resolve) => clock.schedule(RETRY_MS, resolve));
  }
}

async function openOnce(options: NatsEngineOptions, settings: NatsEngineSettings): Promise<LogEngine> {
  const engine = new NatsEngine(await NatsLink.connect(options, settings.onWarning), settings);
  try {
    await engine.open();
    return engine;
  } catch (error) {
    await engine.close();
    throw error;
  }
}
