import type {
  ActorNode,
  AgentNode,
  ChannelNode,
  EventFrame,
  InspectedFault,
  InspectionNode,
} from '../../inspection/index.ts';
import type { Style } from '../terminal.ts';

/** What is said of a node behind its name. */
export interface RowText {
  readonly status: string;
  readonly style: Style;
  readonly facts: readonly string[];
  readonly fault: string | undefined;
}

/** A node in words. `nowMs` is the time at the agent. */
export function rowText(node: InspectionNode, nowMs: number): RowText {
  switch (node.kind) {
    case 'actor':
      return actorText(node, nowMs);
    case 'agent':
      return agentText(node, nowMs);
    case 'channel':
      return channelText(node);
  }
}

/** An event as a line. */
export function eventText({ path, atMs, event }: EventFrame): string {
  const time = new Date(atMs).toISOString().slice(11, 19);
  switch (event.kind) {
    case 'crashed':
      return `${time} ${path} crashed in life ${event.incarnation}: ${faultText(event.fault)}, ${event.restartsLeft} restarts left`;
    case 'lifecycle':
      return `${time} ${path} ${event.lifecycle} (life ${event.incarnation})`;
    case 'dead-letter':
      return `${time} ${path} dead letter: ${event.reason}`;
    case 'status':
      return `${time} ${path} ${event.status}${event.fault === null ? '' : `: ${faultText(event.fault)}`}`;
    case 'epoch':
      return `${time} ${path} epoch ${event.epoch}, ${event.added} joined, ${event.removed} left`;
    case 'fault':
      return `${time} ${path} ${faultText(event.fault)}`;
    case 'presence':
      return `${time} ${path} ${event.present} present`;
    case 'spawned':
      return `${time} ${path} spawned`;
  }
}

function actorText(node: ActorNode, nowMs: number): RowText {
  const { status, restartAtMs } = node;
  return {
    status: restartAtMs === null ? status : `${status} ${seconds(restartAtMs - nowMs)}`,
    style: status === 'running' ? 'green' : status === 'stopped' ? 'dim' : 'yellow',
    facts: [
      `life ${node.incarnation}`,
      ...(node.restartsMax === 0 ? [] : [`restarts ${node.restartsLeft}/${node.restartsMax}`]),
      mailbox(node),
      ...(node.stashed === 0 ? [] : [`stash ${node.stashed}`]),
      `${rate(node.ratePerSecond)}/s`,
    ],
    fault: node.lastFault === null ? undefined : faultText(node.lastFault),
  };
}

function agentText({ status, retryAtMs, channels, lastFault }: AgentNode, nowMs: number): RowText {
  return {
    status: retryAtMs === null ? status : `${status}, again in ${seconds(retryAtMs - nowMs)}`,
    style: status === 'online' ? 'green' : status === 'refused' ? 'red' : 'yellow',
    facts: [channels === 1 ? '1 channel' : `${channels} channels`],
    fault: lastFault === null ? undefined : faultText(lastFault),
  };
}

function channelText(node: ChannelNode): RowText {
  const { status, members, present, lastFault } = node;
  return {
    status: node.isSlow ? `${status}, slow reader` : status,
    style: status === 'live' ? (node.isSlow ? 'yellow' : 'green') : BROKEN.has(status) ? 'red' : 'yellow',
    facts: [
      `epoch ${node.epoch}`,
      `${members} ${members === 1 ? 'member' : 'members'}${present === null ? '' : `, ${present} here`}`,
      mailbox(node),
      ...(node.unsettled === 0 ? [] : [`unsent ${node.unsettled}`]),
      ...(node.unhandled === 0 ? [] : [`unread ${node.unhandled}`]),
      `in ${rate(node.receivedPerSecond)}/s out ${rate(node.sentPerSecond)}/s`,
      ...(node.crashes === 0 ? [] : [`crashes ${node.crashes}`]),
    ],
    fault: lastFault === null ? undefined : faultText(lastFault),
  };
}

const BROKEN: ReadonlySet<string> = new Set(['removed', 'refused', 'stuck', 'forked', 'rolled-back', 'stopped']);

function mailbox({ depth, capacity, oldestMs }: Pick<ActorNode, 'depth' | 'capacity' | 'oldestMs'>): string {
  return `box ${depth}/${capacity}${oldestMs === null ? '' : ` (${seconds(oldestMs)})`}`;
}

function faultText({ kind, code, text }: InspectedFault): string {
  return [kind, ...(code === null || code === kind ? [] : [code]), ...(text === null ? [] : [text])].join(': ');
}

function seconds(ms: number): string {
  return ms < 1_000 ? `${Math.max(0, Math.round(ms))} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

function rate(perSecond: number): string {
  return perSecond < 10 && perSecond > 0 ? perSecond.toFixed(1) : String(Math.round(perSecond));
}
