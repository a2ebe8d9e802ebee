export {
  type ActorBody,
  type ActorContext,
  type ActorLogic,
  defineActor,
  type Handle,
  type HandleOptions,
  type Spawn,
} from './actor.ts';
export type { ActorRef, AnyRef, AskOptions, ReplyTo, StopOptions } from './actor-ref.ts';
export {
  type ActorSystem,
  type Crash,
  createSystem,
  type ShutdownOptions,
  type ShutdownReport,
  type SystemOptions,
} from './actor-system.ts';
export { child, type ChildSpec } from './child.ts';
export type { ChildOptions, Decision, RestartKind, SpawnOptions } from './child-options.ts';
export type { DeadLetter, DeadLetterReason } from './dead-letter.ts';
export { type ActorSnapshot, INSPECTION_VERSION, type InspectionEvent } from './inspection.ts';
export type { ActorMailboxOptions, Overflow } from './letter-box.ts';
export type { Exit, Lifecycle } from './lifecycle.ts';
export { Mailbox, type MailboxOptions } from './mailbox.ts';
export { orThrow } from './or-throw.ts';
export type { Registry } from './registry.ts';
export type { Nothing } from './result-stream.ts';
export type { RestartBudget } from './restart-intensity.ts';
export type { AutoShutdown, Strategy } from './siblings.ts';
export { supervisor, type SupervisorCommand, type SupervisorSpec } from './supervisor.ts';
export { watch } from './watch.ts';
