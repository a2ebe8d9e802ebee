import { Observable } from 'rxjs';
import type { Clock } from '../base/clock.ts';
import type { RelayTransport } from '../transport/index.ts';
import type { ClientChannel } from './client-channel.ts';
import type { JoinAttempt, AttemptStep } from './join-attempt.ts';
import type { JoinStep } from './join-step.ts';
import { RelayTrouble } from './relay-trouble.ts';

/** What {@link joinWithin} works with. */
export interface JoinLimits extends Pick<RelayTransport, 'status$'> {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** What makes an attempt to join, and what comes of it. */
export interface Joining {
  /** Checks what can be checked, and makes a key package. */
  begin(onStep: (step: AttemptStep) => void): Promise<JoinAttempt>;
  /** Joins with the Welcome that the attempt got. */
  finish(attempt: JoinAttempt, signal: AbortSignal): Promise<ClientChannel>;
}

/**
 * The steps of one attempt for each subscriber. Cold; ends with `joined`, or errors. Unsubscribing takes the request back.
 *
 * @param warn told of a request that could not be taken back
 */
export function joinSteps(
  joining: Joining,
  warn: (warning: string) => void,
  signal?: AbortSignal,
  onAttempt?: (attempt: JoinAttempt) => void,
): Observable<JoinStep> {
  return new Observable((subscriber) => {
    const stop = new AbortController();
    const isOver = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
    const run = async (): Promise<void> => {
      let attempt: JoinAttempt | undefined;
      try {
        isOver.throwIfAborted();
        attempt = await joining.begin((step) => subscriber.next(step));
        onAttempt?.(attempt);
        const channel = await joining.finish(attempt, isOver);
        subscriber.next({ kind: 'joined', channel });
        subscriber.complete();
      } catch (error) {
        subscriber.error(error);
        const trouble = await attempt?.takeBack();
        // It has ended already, as a rule; where it has not, it waits until it expires.
        if (trouble !== undefined && trouble.code !== 'not_found') {
          warn(`a request to join could not be taken back: ${trouble.message}`);
        }
      }
    };
    void run();
    return () => stop.abort(new Error('nobody waits to join any more'));
  });
}

/** The channel at the end of the steps, within a time. */
export async function joinWithin(
  steps: (signal: AbortSignal, onAttempt: (attempt: JoinAttempt) => void) => Observable<JoinStep>,
  { clock, timeoutMs, signal, status$ }: JoinLimits,
): Promise<ClientChannel> {
  const timeout = new AbortController();
  const trouble = new RelayTrouble(status$);
  let attempt: JoinAttempt | undefined;
  const cancel = clock.schedule(timeoutMs, () => {
    const reason =
      attempt?.wasTakenUp === true
        ? 'a member has taken the request up and not finished'
        : 'no member was online to admit this agent';
    timeout.abort(trouble.timeout(`not joined within ${timeoutMs / 1000} s: ${reason}`));
  });
  const either = signal === undefined ? timeout.signal : AbortSignal.any([signal, timeout.signal]);
  try {
    return await new Promise<ClientChannel>((resolve, reject) => {
      steps(either, (made) => (attempt = made)).subscribe({
        next: (step) => {
          if (step.kind === 'joined') resolve(step.channel);
        },
        error: reject,
      });
    });
  } finally {
    cancel();
    trouble.stop();
  }
}
