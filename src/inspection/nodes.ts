import type { ActorSnapshot } from '../actors/index.ts';
import type { ChannelProbe } from '../actors/channel/index.ts';
import type { TransportStatus } from '../transport/index.ts';
import type { FaultLabels } from './faults.ts';
import type { ActorNode, AgentNode, ChannelNode } from './frame.ts';
import { identityText } from './paths.ts';

/** What making nodes needs beside what they show. */
export interface NodeContext {
  readonly nowMs: number;
  readonly labels: FaultLabels;
  /** How fast a counter rises, by a name of its own. */
  readonly rate: (key: string, count: number) => number;
}

/** Actors and all below them, parents first. */
export function actorNodes(root: string, actors: readonly ActorSnapshot[], context: NodeContext): ActorNode[] {
  return actors.flatMap((actor) => [
    actorNode(`${root}${actor.path}`, actor, context),
    ...actorNodes(root, actor.children, context),
  ]);
}

function actorNode(path: string, actor: ActorSnapshot, { nowMs, labels, rate }: NodeContext): ActorNode {
  const { lastError, lastErrorName, lastErrorCode } = actor;
  return {
    kind: 'actor',
    path,
    status: actor.lifecycle,
    incarnation: actor.incarnation,
    restartsLeft: actor.restartsLeft,
    restartsMax: actor.restartsMax,
    restartAtMs: actor.restartAtMs ?? null,
    depth: actor.depth,
    capacity: actor.capacity,
    oldestMs: ageMs(actor.oldestSinceMs, nowMs),
    stashed: actor.stashed,
    inFlight: actor.inFlight,
    handled: actor.handled,
    ratePerSecond: rate(path, actor.handled),
    lastFault: lastError === undefined ? null : labels.ofCrash(lastErrorName ?? 'Error', lastErrorCode, lastError),
  };
}

export interface AgentView {
  readonly path: string;
  readonly identity: Uint8Array;
  readonly status: TransportStatus;
  /** Since when it is so, Unix ms. */
  readonly statusSinceMs: number;
  readonly channels: number;
}

export function agentNode(
  { path, identity, status, statusSinceMs, channels }: AgentView,
  labels: FaultLabels,
): AgentNode {
  return {
    kind: 'agent',
    path,
    identity: identityText(identity),
    status: status.kind,
    retryAtMs: status.kind === 'offline' ? statusSinceMs + status.retryInMs : null,
    channels,
    lastFault: 'cause' in status ? labels.ofError(status.cause) : null,
  };
}

export function channelNode(path: string, probe: ChannelProbe, { nowMs, labels, rate }: NodeContext): ChannelNode {
  const { state, figures, present } = probe;
  const { lastFault } = figures;
  return {
    kind: 'channel',
    path,
    name: probe.name,
    status: state.status,
    epoch: String(state.epoch),
    members: state.members.length,
    present: state.status === 'idle' ? null : present + 1,
    seq: state.seq,
    unsettled: state.unsettled,
    unhandled: figures.unhandled,
    depth: figures.depth,
    capacity: figures.capacity,
    oldestMs: ageMs(figures.oldestSinceMs, nowMs),
    isSlow: figures.isSlow,
    sent: figures.sent,
    received: figures.received,
    sentPerSecond: rate(`${path}>`, figures.sent),
    receivedPerSecond: rate(`${path}<`, figures.received),
    crashes: figures.crashes,
    faults: figures.faults,
    lastFault:
      lastFault === undefined ? null : { ...labels.ofError(lastFault.error, lastFault.kind), atMs: lastFault.atMs },
  };
}

function ageMs(sinceMs: number | undefined, nowMs: number): number | null {
  return sinceMs === undefined ? null : Math.max(0, nowMs - sinceMs);
}
