import type { SkytaleClient, SkytaleClientOptions } from '../../client/index.ts';
import type { DiskImage, VirtualDisk } from './virtual-disk.ts';

/** How an agent of a simulation is set up. */
export interface SimulatedAgentOptions {
  /** What its program does in each life: called when it is up, for the first time and after each crash. */
  readonly onStart?: (client: SkytaleClient, agent: SimulatedAgent) => void | PromiseLike<void>;
  /** Called when it is gone, before anything of its next life. */
  readonly onCrash?: (agent: SimulatedAgent, how: 'crashed' | 'restored') => void;
  /** Told of why a life could not begin, or what its `onStart` threw. Without it, that fails the run. */
  readonly onError?: (error: unknown, agent: SimulatedAgent) => void;
  /** By how much its clock is ahead, in milliseconds. Default 0. */
  readonly clockSkewMs?: number;
  /** The account on which it acts at the relay and at the control plane, for joins by invite. Default none. */
  readonly account?: string;
  /** What its client is made with beside the ports. */
  readonly client?: Omit<
    SkytaleClientOptions,
    'transport' | 'controlPlane' | 'keyv' | 'clock' | 'random' | 'apiKey' | 'apiUrl'
  >;
}

/** One agent of a simulation, over all its lives: a name, a disk, and while it is up a client with real MLS. */
export interface SimulatedAgent {
  readonly name: string;
  readonly disk: VirtualDisk;
  /** How often it was started. */
  readonly lives: number;
  readonly isUp: boolean;
  /** Whether it has a connection to the relay. */
  readonly isOnline: boolean;
  /** The client of its present life. @throws Error while it is down */
  readonly client: SkytaleClient;
  /** Begins a life, if it is down. */
  start(): void;
  /** Ends its life as a process that is killed: nothing of it is heard any more, what reached the disk is there. */
  crash(): void;
  /** Crashes, and is started again after a time. */
  crashFor(forMs: number): void;
  /** Crashes, and comes back after a time from what its disk held once. */
  restoreFrom(image: DiskImage, forMs: number): void;
}
