import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { RuntimeError } from '../base/errors.ts';
import type { CliContext } from './context.ts';
import { readCredentials } from './credentials.ts';
import { UsageError } from './report.ts';

/** Options that the commands of an agent have in common. */
export interface AgentFlags extends ApiFlags {
  readonly identity?: string;
  readonly dataDir?: string;
  readonly relay?: string;
}

/** Options of the commands that talk to the control plane. */
export interface ApiFlags {
  readonly apiUrl?: string;
  readonly json: boolean;
}

/** Where the control plane is, and the key for it. */
export interface ApiSettings {
  readonly apiUrl: string;
  readonly apiKey: string | undefined;
}

/** Who the agent is, where its keys are, and where its relay is. */
export interface AgentSettings extends ApiSettings {
  readonly identity: string;
  /** Absolute. */
  readonly dataDir: string;
  readonly relay: string;
}

const DEFAULT_RELAY = 'https://relay.skytale.sh:5000';
const DEFAULT_API = 'https://api.skytale.sh';
/** The longest name of a directory on the usual file systems. */
const MAX_NAME_BYTES = 255;

/** The directory of configuration and, unless said otherwise, of the agents' data: `~/.skytale`. */
export function configDirectory({ home }: Pick<CliContext, 'home'>): string {
  return join(home, '.skytale');
}

/** Makes the directory of configuration, for its owner alone. */
export function makeConfigDirectory(context: Pick<CliContext, 'home'>): string {
  const directory = configDirectory(context);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new RuntimeError('store_error', `the directory ${directory} cannot be made`, { cause: error });
  }
  return directory;
}

/** Flags win over the environment, that over what `skytale signup` or `skytale up --save` have stored. */
export function apiSettings(context: CliContext, flags: Pick<ApiFlags, 'apiUrl'>): ApiSettings {
  const { environment } = context;
  const stored = readCredentials(configDirectory(context));
  const apiUrl = flags.apiUrl ?? given(environment['SKYTALE_API_URL']) ?? stored?.apiUrl ?? DEFAULT_API;
  // A stored key goes to the server that gave it, and to no other.
  const storedKey = stored?.apiUrl === apiUrl ? stored.apiKey : undefined;
  return { apiUrl, apiKey: given(environment['SKYTALE_API_KEY']) ?? storedKey };
}

/** As {@link apiSettings}, with the relay and the agent. */
export function agentSettings(context: CliContext, flags: AgentFlags): AgentSettings {
  const { environment } = context;
  const identity = findIdentity(context, flags.identity);
  const dataDir = flags.dataDir ?? given(environment['SKYTALE_DATA_DIR']) ?? defaultDataDir(context, identity);
  return { ...apiSettings(context, flags), identity, dataDir: resolve(dataDir), relay: relayAddress(context, flags) };
}

/** Where the relay is. */
export function relayAddress(context: CliContext, flags: Pick<AgentFlags, 'relay'>): string {
  const stored = readCredentials(configDirectory(context));
  return flags.relay ?? given(context.environment['SKYTALE_RELAY']) ?? stored?.relay ?? DEFAULT_RELAY;
}

/** `--identity`, `SKYTALE_IDENTITY`, or the first line of `~/.skytale/identity`. */
export function findIdentity(context: CliContext, flag: string | undefined): string {
  const identity = flag ?? given(context.environment['SKYTALE_IDENTITY']) ?? identityFile(context);
  if (identity !== undefined && identity !== '') return identity;
  throw new UsageError('who is the agent? Give --identity NAME, or set SKYTALE_IDENTITY');
}

function identityFile(context: CliContext): string | undefined {
  try {
    return readFileSync(join(configDirectory(context), 'identity'), 'utf8')
      .split('\n')[0]
      ?.trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new RuntimeError('store_error', '~/.skytale/identity cannot be read', { cause: error });
  }
}

/** `~/.skytale/<identity in hexadecimal>`: one for each identity, and there after a restart. */
function defaultDataDir(context: CliContext, identity: string): string {
  const name = Buffer.from(identity).toString('hex');
  if (name.length > MAX_NAME_BYTES) {
    throw new UsageError('the identity is too long to name a directory: give --data-dir DIRECTORY');
  }
  return join(configDirectory(context), name);
}

function given(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}
