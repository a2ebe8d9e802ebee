import type { AgentName } from './chat.ts';

/** What an agent is told when its process starts. */
export interface AgentBrief {
  readonly name: AgentName;
  /** The relay. */
  readonly endpoint: string;
  /** The agent's own directory: keys and MLS state, and its notebook. */
  readonly dataDir: string;
  /** The text file that alice sends. */
  readonly inputPath: string;
}

/** What the relay is told when its process starts. */
export interface RelayBrief {
  readonly dataDir: string;
  /** 0 for a free one. */
  readonly port: number;
}

/** From the demo to an agent. Key packages and Welcomes go by way of the demo, as they might by way of a directory. */
export type ToAgent =
  | { readonly kind: 'add'; readonly member: AgentName; readonly keyPackage: Uint8Array }
  | { readonly kind: 'join'; readonly welcome: Uint8Array }
  /** alice may send the lines up to this one. */
  | { readonly kind: 'go'; readonly upToLine: number }
  | Finish;

/** Close everything and end. */
export interface Finish {
  readonly kind: 'finish';
}

/** From an agent to the demo. */
export type FromAgent =
  | { readonly kind: 'key-package'; readonly keyPackage: Uint8Array }
  | { readonly kind: 'welcome'; readonly member: AgentName; readonly welcome: Uint8Array }
  | { readonly kind: 'progress'; readonly progress: Progress }
  | Failed;

/** From the relay to the demo. */
export type FromRelay =
  | { readonly kind: 'listening'; readonly endpoint: string; readonly port: number }
  | { readonly kind: 'closed' }
  | Failed;

/** The process ends because of an error. */
export interface Failed {
  readonly kind: 'failed';
  readonly message: string;
}

/** How far an agent is. The counts are those of the running process, `lines` is that of its notebook. */
export interface Progress extends Counts {
  readonly status: string;
  /** What the agent waits for, to be told when it waits too long. */
  readonly waitsFor: string;
  /** Messages that were handed to `send`, whether the relay has acknowledged them or not. */
  readonly sent: number;
  /** Lines in the notebook. */
  readonly lines: number;
  /** Whether the notebook has everything that will be said. */
  readonly isDone: boolean;
}

/** What may go wrong on a channel, counted. Of these, only redeliveries and reconnects belong to a good run. */
export interface Counts {
  /** Messages that came again after a crash, flagged as such, and were in the notebook already. */
  readonly redelivered: number;
  /** Messages that came again and were not flagged. */
  readonly duplicates: number;
  /** Messages that were lost: gaps in the relay's log, and messages that nobody read in time. */
  readonly gaps: number;
  readonly decryptFailures: number;
  readonly otherFaults: number;
  /** How often the channel found back to the relay. */
  readonly reconnects: number;
}
