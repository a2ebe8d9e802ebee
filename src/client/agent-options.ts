import type { Keyv } from 'keyv';
import type { AcceptRemoval } from '../actors/channel/index.ts';
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { InspectionOptions } from '../inspection/index.ts';
import type { MlsEngineOptions, RotationPolicy, StateKey } from '../mls/index.ts';
import type { ControlPlane, RelayTransport } from '../transport/index.ts';

/** How a client serves its inspection feed. */
export interface ClientInspection extends InspectionOptions {
  /** Path of the Unix socket. Default `inspect.sock` in the data directory. */
  readonly socket?: string;
}

/** What an agent is made of, and how it behaves. */
export interface AgentOptions {
  readonly dataDir: string;
  /** Keeps the agent's state instead of the data directory. */
  readonly keyv: Keyv | undefined;
  readonly identity: Uint8Array;
  readonly transport: RelayTransport;
  readonly controlPlane: ControlPlane | undefined;
  readonly clock: Clock;
  readonly random: Random;
  /** What the data directory is encrypted under. */
  readonly stateKey: StateKey | undefined;
  /** Cipher suite, padding, and who may be a member. */
  readonly engine: MlsEngineOptions;
  readonly rotation: RotationPolicy | undefined;
  readonly commitWindowMs: number;
  /** Whether to follow a request to remove a member. */
  readonly acceptRemoval: AcceptRemoval | undefined;
  /** How long spent keys may stay on disk. Default: the store's. */
  readonly foldAfterMs: number | undefined;
  /** How its inspection feed is served. Not at all without. */
  readonly inspect: ClientInspection | undefined;
  /** Told what was found and put up with, for example permissions that had to be repaired. */
  readonly warn: (warning: string) => void;
}
