/** How an actor ended. */
export type Exit =
  /** Its body completed. */
  | { readonly kind: 'normal' }
  /** It was told to stop, by its reference, its supervisor or the end of the system. */
  | { readonly kind: 'shutdown' }
  /** Its body failed, and nobody restarts it. */
  | { readonly kind: 'crashed'; readonly error: unknown }
  /** Its body failed more often than its restart intensity allows; the last errors, oldest first. */
  | { readonly kind: 'restartLimit'; readonly error: unknown; readonly crashes: readonly unknown[] };

/** Where an actor is in its life. `incarnation` counts its starts from 1. */
export type Lifecycle =
  | { readonly kind: 'starting'; readonly incarnation: number }
  | { readonly kind: 'running'; readonly incarnation: number }
  /** Failed, or taken down with its siblings; starts again in `restartInMs` (0: as soon as they are down). */
  | {
      readonly kind: 'backingOff';
      readonly incarnation: number;
      readonly error: unknown;
      readonly restartInMs: number;
    }
  | { readonly kind: 'stopping'; readonly incarnation: number }
  | { readonly kind: 'stopped'; readonly incarnation: number; readonly exit: Exit };
