import type { ActorLogic } from './actor.ts';
import type { ChildOptions, SpawnOptions } from './child-options.ts';

/** A child that a supervisor starts. Make it with {@link child}. */
export interface ChildSpec {
  readonly logic: ActorLogic<never, unknown, never>;
  readonly options: ChildOptions & { readonly id: string; readonly name?: string; readonly input?: unknown };
}

/**
 * A child for `supervisor`.
 *
 * @example
 * supervisor({ strategy: 'oneForOne', children: [child(worker, { id: 'worker-1' })] });
 */
export function child<In, Out, Input>(logic: ActorLogic<In, Out, Input>, options: SpawnOptions<Input>): ChildSpec {
  return { logic, options };
}
