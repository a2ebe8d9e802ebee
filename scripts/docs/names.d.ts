/** Names that an `@example` in src may use without declaring them. Keep to what every reader understands at once. */

import type { ActorLogic, ActorRef, ActorSystem, Channel, ReplyTo, SkytaleClient } from 'skytale-rx';

/** A channel that the agent has joined. */
export declare const channel$: Channel;
/** A client that is connected. */
export declare const client: SkytaleClient;
/** Ends what the example started. */
export declare const signal: AbortSignal;
/** Does something with a value. */
export declare const handle: (value: unknown) => void;
/** What the relay or the control plane accepts as proof of who the agent is. */
export declare const token: string;
/** A system of actors. */
export declare const system: ActorSystem;
/** What an actor does. */
export declare const worker: ActorLogic<string, string>;
/** An actor that runs. */
export declare const workerRef: ActorRef<{ readonly kind: 'get'; readonly reply: ReplyTo<number> }, string>;
