import type { RelayOptions } from '../relay-options.ts';
import { readFlags } from './flags.ts';
import type { SettingFlags } from './flags.ts';
import { noticesOf, relayOptionsFrom } from './relay-configuration.ts';
import { resolveSettings } from './resolve-settings.ts';
import type { LogLevel } from './settings.ts';
import { showSettings } from './show-settings.ts';
import { CONFIG_VARIABLE, readEnvironment } from './sources.ts';
import { readTomlFile } from './toml-file.ts';

/** Where a configuration comes from. Flags win over the environment, that over the file, and that over the defaults. */
export interface ConfigurationSources {
  /** From `--config`; without it `SKYTALE_RELAY_CONFIG` says which file is read, if any. */
  readonly file: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly flags: SettingFlags;
}

/** A configuration that can be used. */
export interface Configuration {
  readonly options: RelayOptions;
  readonly logLevel: LogLevel;
  /** What to tell the operator, a line each. */
  readonly notices: readonly string[];
  /** All that holds and where it is from, without secrets, as TOML. */
  readonly shown: string;
}

/**
 * Reads and checks the whole configuration, and the files that it names.
 *
 * @throws {@link RuntimeError} `invalid_argument` with everything that is wrong, a line each: the key, who said it, and what
 * was expected. No secrets.
 */
export async function loadConfiguration(sources: ConfigurationSources): Promise<Configuration> {
  const { environment, flags } = sources;
  const path = sources.file ?? environment[CONFIG_VARIABLE] ?? '';
  const file = path === '' ? [] : await readTomlFile(path);
  const below = [...file, ...readEnvironment(environment)];
  const settings = resolveSettings([...below, ...readFlags(flags, below)]);
  return {
    options: await relayOptionsFrom(settings),
    logLevel: settings.get('log.level'),
    notices: noticesOf(settings),
    shown: showSettings(settings),
  };
}
