import { Observable } from 'rxjs';
import { RuntimeError } from '../base/errors.ts';
import { type ActorLogic, defineActor } from './actor.ts';
import type { ActorRef, ReplyTo } from './actor-ref.ts';
import type { ChildSpec } from './child.ts';
import { Context } from './context.ts';
import type { Exit } from './lifecycle.ts';
import type { RestartBudget } from './restart-intensity.ts';
import type { AutoShutdown, Siblings, Strategy } from './siblings.ts';

/** What a supervisor is made of. */
export interface SupervisorSpec {
  /** Default `oneForOne`. */
  readonly strategy?: Strategy;
  /** Started in this order, stopped in the reverse. */
  readonly children: readonly ChildSpec[];
  /** For all restarts together, besides the budgets of the children. Default: none. */
  readonly budget?: RestartBudget;
  /** Whether the end of significant children by themselves ends the supervisor, normally. Default `never`. */
  readonly autoShutdown?: AutoShutdown;
}

/** What a supervisor can be asked. */
export type SupervisorCommand =
  /** Starts another child behind the others; answers with it once it runs, or with the error of its start. */
  | { readonly kind: 'start'; readonly child: ChildSpec; readonly reply?: ReplyTo<ActorRef> }
  /** Stops a child for good; answers with its end. */
  | { readonly kind: 'stop'; readonly id: string; readonly reply?: ReplyTo<Exit> }
  /** Answers with a child. */
  | { readonly kind: 'find'; readonly id: string; readonly reply: ReplyTo<ActorRef | undefined> };

/**
 * An actor whose children hang together: a structured `retry`. A child that exceeds its budget, or the budget of all,
 * takes the supervisor down with `restart_limit`; what is above decides then. If a child's first start fails, those that
 * were started before it are stopped and the supervisor's start fails.
 *
 * @example
 * const swarm = supervisor({
 *   strategy: 'oneForOne',
 *   children: [child(worker, { id: 'worker-1', restart: 'permanent' }), child(worker, { id: 'worker-2', restart: 'permanent' })],
 * });
 * await system.spawn(swarm, { id: 'swarm' }).ready;
 */
export function supervisor(spec: SupervisorSpec): ActorLogic<SupervisorCommand, never> {
  return defineActor<SupervisorCommand>(
    (inbox$, context) =>
      new Observable<never>((subscriber) => {
        if (!(context instanceof Context)) throw new TypeError('a supervisor runs in a system of this package');
        const children = context.openFamily({
          strategy: spec.strategy ?? 'oneForOne',
          budget: spec.budget,
          autoShutdown: spec.autoShutdown ?? 'never',
          isStrict: true,
          escalate: (error) => subscriber.error(error),
          shutDown: () => subscriber.complete(),
        });
        for (const { logic, options } of spec.children) {
          const { startError } = children.spawn({ logic, options });
          if (startError !== undefined) throw startError.error;
          if (subscriber.closed) return; // a child has ended it already
        }
        subscriber.add(
          inbox$.subscribe({
            next: (command) => obey(children, command),
            error: (error: unknown) => subscriber.error(error),
          }),
        );
      }),
  );
}

function obey(children: Siblings, command: SupervisorCommand): void {
  switch (command.kind) {
    case 'start': {
      try {
        const { logic, options } = command.child;
        const cell = children.spawn({ logic, options });
        if (cell.startError !== undefined) throw cell.startError.error;
        command.reply?.next(cell.ref);
      } catch (error) {
        command.reply?.error(error);
      }
      return;
    }
    case 'stop': {
      const cell = children.get(command.id);
      if (cell === undefined) command.reply?.error(new RuntimeError('invalid_argument', `no child "${command.id}"`));
      else void cell.stop().then((exit) => command.reply?.next(exit));
      return;
    }
    case 'find':
      command.reply.next(children.get(command.id)?.ref);
  }
}
