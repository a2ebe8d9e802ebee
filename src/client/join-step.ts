import type { ClientChannel } from './client-channel.ts';

/**
 * How far an agent has come on its way into a channel.
 *
 * - `requested`: the control plane has the request.
 * - `waiting-for-member`: no member has taken it up within two seconds. It waits until one does.
 * - `admitted`: a member has added this agent.
 * - `joined`: this agent is in. The last step.
 */
export type JoinStep =
  | { readonly kind: 'requested'; readonly requestId: string }
  | { readonly kind: 'waiting-for-member' }
  | { readonly kind: 'admitted' }
  | { readonly kind: 'joined'; readonly channel: ClientChannel };

/** Options of {@link SkytaleClient.join}. */
export interface JoinOptions {
  /** Takes the request back and errors the stream with its reason. */
  readonly signal?: AbortSignal;
}

/** Options of {@link SkytaleClient.joinWithToken}. */
export interface JoinWithTokenOptions extends JoinOptions {
  /** How long it may take, in milliseconds. Default 60 000. */
  readonly timeoutMs?: number;
}
