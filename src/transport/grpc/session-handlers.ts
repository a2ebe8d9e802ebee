import type { SkytaleError } from '../../base/errors.ts';
import type { LogEntry, NoticeTopic, Quota, RefusalReason, WelcomeDelivery } from '../relay-transport.ts';
import type { RelayAddress } from './options.ts';

/** Takes what arrives for one subscription. What it throws ends the connection. */
export interface SubscriptionSink {
  entries(entries: readonly LogEntry[]): void;
  caughtUp(headSeq: number): void;
  gap(afterSeq: number, resumesAtSeq: number): void;
  notice(topic: NoticeTopic): void;
  refused(reason: RefusalReason, error: SkytaleError): void;
}

/** How a {@link RelaySession} has ended by itself. */
export type SessionEnd =
  | { readonly kind: 'lost' | 'draining' | 'unauthenticated'; readonly error: SkytaleError }
  /** Trying again does not cure it. */
  | { readonly kind: 'refused'; readonly reason: RefusalReason; readonly error: SkytaleError };

/** Where a {@link RelaySession} connects to, and as whom. */
export interface SessionTarget {
  readonly relay: RelayAddress;
  readonly token: string | undefined;
}

/** What a {@link RelaySession} tells its owner, and asks of it. */
export interface SessionHandlers {
  /** The relay has answered `Hello`. Called at most once. */
  ready(): void;
  welcome(keyPackageRef: Uint8Array, delivery: WelcomeDelivery): void;
  /** There will be no Welcome for this key package. */
  welcomeRefused(keyPackageRef: Uint8Array, error: SkytaleError): void;
  /** As of the publish whose answers come next. */
  quota(quota: Quota): void;
  /** The token of this connection ends soon: a fresh one, please. */
  freshToken(): Promise<string | undefined>;
  /** Called once, last, in a task of its own, unless {@link RelaySession.close} came first. */
  ended(end: SessionEnd): void;
}
