import { checkInteger } from '../base/check.ts';
import { RuntimeError } from '../base/errors.ts';
import type { BackoffOptions } from '../streams/index.ts';
import type { Nothing } from './result-stream.ts';
import { type ActorMailboxOptions, checkMailbox, type MailboxLimits } from './letter-box.ts';
import type { RestartBudget } from './restart-intensity.ts';

/** What to do about a crash. */
export type Decision =
  /** Start it again after a wait. Costs one restart of its budget. */
  | 'restart'
  /** Go on without the message that failed. Inside `handle` the body lives on; elsewhere it is invoked anew, at once. */
  | 'resume'
  /** Leave it down. */
  | 'stop'
  /** Leave it down and fail in its place: what is above decides. */
  | 'escalate';

/**
 * When an actor is started again: `permanent` whatever its end; `transient` (the default) after a crash; `temporary` never.
 */
export type RestartKind = 'permanent' | 'transient' | 'temporary';

/** How an actor lives among its siblings. */
export interface ChildOptions {
  readonly restart?: RestartKind;
  /** How often it may be restarted. Default 5 in 30 s. */
  readonly budget?: RestartBudget;
  /** How long to wait before a restart. Default 200 ms to 10 s, doubling, 20 % jitter. */
  readonly backoff?: BackoffOptions;
  /** Looks at the error of a crash. Default: `restart`. */
  readonly decide?: (error: unknown) => Decision;
  readonly mailbox?: ActorMailboxOptions;
  /** Time for what is under way when it is stopped, in ms. Default 5000; 0 cuts it off. */
  readonly graceMs?: number;
  /** Whether its end by itself may end its supervisor (`autoShutdown`). Not for `permanent`. Default `false`. */
  readonly significant?: boolean;
}

/** Options of `spawn`. */
export type SpawnOptions<Input> = ChildOptions & {
  /** Name among its siblings: 1 to 64 of `a-z A-Z 0-9 . _ -`. */
  readonly id: string;
  /** Registers the actor under this name while it lives. */
  readonly name?: string;
} & (undefined extends Input
    ? { readonly input?: Input }
    : [Input] extends [Nothing]
      ? { readonly input?: undefined }
      : { readonly input: Input });

/** @internal {@link ChildOptions}, checked and complete. */
export interface LifeRules {
  readonly restart: RestartKind;
  readonly budget: RestartBudget;
  readonly backoff: BackoffOptions;
  readonly decide: (error: unknown) => Decision;
  readonly mailbox: MailboxLimits;
  readonly graceMs: number;
  readonly significant: boolean;
}

const DEFAULT_GRACE_MS = 5000;
const ID = /^[A-Za-z0-9._-]{1,64}$/;

const RULES = ['restart', 'budget', 'backoff', 'decide', 'mailbox', 'graceMs', 'significant'] as const;
/** Shared by all who ask for nothing special: there may be ten thousands of them. */
let plainRules: LifeRules | undefined;

/** @internal @throws {@link RuntimeError} `invalid_argument` for an option out of range. */
export function checkLifeRules(options: ChildOptions): LifeRules {
  if (RULES.every((rule) => options[rule] === undefined)) return (plainRules ??= readLifeRules({}));
  return readLifeRules(options);
}

function readLifeRules(options: ChildOptions): LifeRules {
  const { restart = 'transient', significant = false } = options;
  if (significant && restart === 'permanent') {
    throw new RuntimeError('invalid_argument', 'Expected a significant child to be transient or temporary.');
  }
  return {
    restart,
    significant,
    budget: options.budget ?? {},
    backoff: options.backoff ?? {},
    decide: options.decide ?? (() => 'restart'),
    mailbox: checkMailbox(options.mailbox ?? {}),
    graceMs: checkInteger('graceMs', options.graceMs ?? DEFAULT_GRACE_MS, 0),
  };
}

/** @internal @throws {@link RuntimeError} `invalid_argument` */
export function checkId(id: string): string {
  if (ID.test(id)) return id;
  throw new RuntimeError(
    'invalid_argument',
    `Expected \`id\` to be 1 to 64 of a-z A-Z 0-9 . _ -, got "${id.slice(0, 80)}".`,
  );
}
