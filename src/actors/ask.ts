import { checkInteger } from '../base/check.ts';
import { RuntimeError } from '../base/errors.ts';
import { onAbort } from '../streams/index.ts';
import type { AskOptions, ReplyTo } from './actor-ref.ts';
import type { Outside } from './anatomy.ts';
import type { DeadLetterReason } from './dead-letter.ts';
import { toError } from './error-text.ts';
import { letterOf } from './letter.ts';

/** @internal `ActorRef.ask`: a promise that settles whatever happens to the message or the actor. */
export function ask<In, Out, R>(
  actor: Outside<In, Out>,
  build: (reply: ReplyTo<R>) => In,
  { timeoutMs, signal }: AskOptions,
): Promise<R> {
  checkInteger('timeoutMs', timeoutMs, 1);
  if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
  const { host, birth } = actor;
  return new Promise<R>((resolve, reject) => {
    const releases: (() => void)[] = [];
    let isSettled = false;
    const settle = (act: () => void): boolean => {
      if (isSettled) return false;
      isSettled = true;
      for (const release of releases) release();
      act();
      return true;
    };
    const fail = (error: unknown): boolean => settle(() => reject(toError(error)));
    const unlessLate = (isInTime: boolean, message: unknown): void => {
      if (!isInTime) host.deadLetter({ reason: 'lateReply', path: birth.path, message });
    };
    const reply: ReplyTo<R> = {
      next: (value) =>
        unlessLate(
          settle(() => resolve(value)),
          value,
        ),
      error: (error: unknown) => unlessLate(fail(error), error),
    };
    const stopped = (): boolean => fail(new RuntimeError('actor_stopped', `the actor ${birth.path} has stopped`));
    releases.push(
      host.clock.schedule(timeoutMs, () =>
        fail(new RuntimeError('ask_timeout', `${birth.path} gave no answer within ${timeoutMs} ms`)),
      ),
      actor.onStopped(stopped),
    );
    if (signal !== undefined) releases.push(onAbort(signal, () => fail(signal.reason)));
    const message = build(reply);
    const refuse = (reason: DeadLetterReason): void => {
      if (reason === 'stopped' || reason === 'abandoned') stopped();
      else if (reason === 'overflow') fail(new RuntimeError('mailbox_full', `the mailbox of ${birth.path} is full`));
      else fail(new RuntimeError('message_poisoned', `${birth.path} failed on the message`));
    };
    actor.post(letterOf(message, birth.rules.mailbox, refuse));
  });
}
