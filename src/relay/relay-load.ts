import type { DeliveryHub } from './delivery/delivery-hub.ts';
import type { RelayServer } from './relay-server.ts';
import type { SessionHoldings } from './session/session.ts';

/** What a relay holds in memory for its clients, at this moment. All of it is bounded by the limits. */
export interface RelayLoad {
  /** Open connections, whatever they are for. */
  readonly connections: number;
  /** Clients that are served. */
  readonly sessions: number;
  readonly subscriptions: number;
  /** Bytes written to clients that their connections have not taken yet. */
  readonly unreadBytes: number;
  /** Bytes of publishes that wait for their answers. */
  readonly unansweredBytes: number;
  /** Bytes of newest entries that are kept for subscribers. */
  readonly recentBytes: number;
}

/** Adds up what the sessions hold. */
export function loadOf(server: RelayServer, hub: DeliveryHub): RelayLoad {
  const sessions = server.holdings();
  const sum = (key: keyof SessionHoldings): number => sessions.reduce((total, held) => total + held[key], 0);
  return {
    connections: server.connections,
    sessions: sessions.length,
    subscriptions: sum('subscriptions'),
    unreadBytes: sum('unreadBytes'),
    unansweredBytes: sum('unansweredBytes'),
    recentBytes: hub.recent.bytes,
  };
}
