import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { toHex } from '../../base/bytes.ts';
import { checkBytes } from '../../base/check.ts';
import { RuntimeError } from '../../base/errors.ts';
import type { SkytaleClientOptions } from '../skytale-client.ts';
import type { Protocols } from '../envelope/protocols.ts';
import type { ReceiveBufferOptions } from './receive-buffer.ts';

/** Options of {@link SkytaleChannelManager}. Each that is missing is taken from the environment variable that is named, if there is one. */
export interface SkytaleChannelManagerOptions extends Omit<SkytaleClientOptions, 'apiKey' | 'apiUrl'> {
  /** Who this agent is: 1 to 1 024 bytes, or text, which stands for its UTF-8. `SKYTALE_IDENTITY`. */
  readonly identity?: string | Uint8Array;
  /** The relay; several that serve one log are tried in turn. `SKYTALE_RELAY`; default `https://relay.skytale.sh:5000`. */
  readonly endpoint?: string | readonly string[];
  /**
   * Directory for keys and MLS state, of this agent alone. `SKYTALE_DATA_DIR`; default `~/.skytale/<identity in hexadecimal>`,
   * for an identity of more than 100 bytes `~/.skytale/sha256-<its hash>`. With `mock`, by default one that is removed at the end.
   */
  readonly dataDir?: string;
  /** `sk_live_…` or `sk_test_…`. Needed for invites, for joining with them, and to revoke. `SKYTALE_API_KEY`. */
  readonly apiKey?: string;
  /** Base URL of the API server. `SKYTALE_API_URL`; default `https://api.skytale.sh`. */
  readonly apiUrl?: string;
  /**
   * Without a network: all managers of this process with `mock` talk to each other through a relay and a control plane in
   * memory, which are forgotten when the last of them is closed. `SKYTALE_MOCK` (`1`, `true`, `yes`); default false.
   */
  readonly mock?: boolean;
  /**
   * Whether a listener goes on by itself when the connection comes back. Default true. With false, `receive` rejects with
   * `listener_died` from the first loss on.
   */
  readonly heal?: boolean;
  /**
   * Whether messages are kept for `receive` from the moment that a channel is there. Default true. With false they are from the
   * first `receive` on, and who never calls it has the channels to himself, for `channel$` and {@link Channel.consume}.
   */
  readonly listens?: boolean;
  /** How many messages of a channel may wait for `receive`, and what then. */
  readonly receiveBuffer?: ReceiveBufferOptions;
  /** Protocols that this agent knows. Default those that have names everywhere. */
  readonly protocols?: Protocols;
}

/** The environment, as far as it is read. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What options and environment come to. */
export interface ManagerSettings {
  readonly identity: Uint8Array;
  readonly endpoint: string | readonly string[];
  /** `undefined`: a temporary one. */
  readonly dataDir: string | undefined;
  readonly apiKey: string | undefined;
  readonly apiUrl: string;
  readonly mock: boolean;
}

const DEFAULT_RELAY = 'https://relay.skytale.sh:5000';
const DEFAULT_API = 'https://api.skytale.sh';
/** Names of files have at most 255 bytes, and each byte of an identity takes two. */
const MAX_NAMED_BYTES = 100;

/**
 * Options, and what the environment has in place of those that are missing. A variable that is empty counts as not set.
 *
 * @throws {@link RuntimeError} `invalid_argument` if there is no identity, or for a `SKYTALE_MOCK` that is neither yes nor no
 */
export function resolveManagerSettings(
  options: SkytaleChannelManagerOptions,
  environment: Environment,
): ManagerSettings {
  const read = (name: string): string | undefined => environment[name] || undefined;
  const identity = toIdentity(options.identity ?? read('SKYTALE_IDENTITY'));
  const mock = options.mock ?? readMock(read('SKYTALE_MOCK'));
  const dataDir = options.dataDir ?? expandHome(read('SKYTALE_DATA_DIR'));
  return {
    identity,
    endpoint: options.endpoint ?? read('SKYTALE_RELAY') ?? DEFAULT_RELAY,
    dataDir: dataDir ?? (mock ? undefined : defaultDataDir(identity)),
    apiKey: options.apiKey ?? read('SKYTALE_API_KEY'),
    apiUrl: options.apiUrl ?? read('SKYTALE_API_URL') ?? DEFAULT_API,
    mock,
  };
}

/** Where an agent keeps its state if nobody says where: always the same place, and never another agent's. */
function defaultDataDir(identity: Uint8Array): string {
  const name =
    identity.length <= MAX_NAMED_BYTES
      ? toHex(identity)
      : `sha256-${createHash('sha256').update(identity).digest('hex')}`;
  return join(homedir(), '.skytale', name);
}

function toIdentity(identity: string | Uint8Array | undefined): Uint8Array {
  if (identity === undefined) {
    throw new RuntimeError('invalid_argument', 'Expected `identity`, or the environment variable SKYTALE_IDENTITY.');
  }
  return typeof identity === 'string' ? new TextEncoder().encode(identity) : checkBytes('identity', identity);
}

/** Shells expand `~`; files of variables and process managers do not. */
function expandHome(path: string | undefined): string | undefined {
  return path?.startsWith('~/') === true ? join(homedir(), path.slice(2)) : path;
}

function readMock(text: string | undefined): boolean {
  if (text === undefined || ['0', 'false', 'no'].includes(text.toLowerCase())) return false;
  if (['1', 'true', 'yes'].includes(text.toLowerCase())) return true;
  // Neither a network that was not wanted nor a relay that is not there should come of a slip.
  throw new RuntimeError('invalid_argument', 'Expected SKYTALE_MOCK to be 1, true or yes, or 0, false or no.');
}
