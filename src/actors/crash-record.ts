import { Backoff } from '../streams/index.ts';
import type { Birth, Host } from './anatomy.ts';
import type { Decision } from './child-options.ts';
import { labelOf, textOf } from './error-text.ts';
import { RestartIntensity } from './restart-intensity.ts';

/** @internal A crash, as it is told of later. */
export interface CrashNote {
  readonly text: string;
  /** Of the error's class. */
  readonly name: string;
  /** Of one of our errors. */
  readonly code: string | undefined;
}

/** @internal What an actor's crashes have come to: how often, how long to wait, what was last. */
export class CrashRecord {
  readonly #birth: Pick<Birth<never, unknown>, 'path' | 'rules'>;
  readonly #host: Host;
  #backoff: Backoff | undefined;
  #intensity: RestartIntensity | undefined;
  /** The last one. */
  last: CrashNote | undefined;

  constructor(birth: Pick<Birth<never, unknown>, 'path' | 'rules'>, host: Host) {
    this.#birth = birth;
    this.#host = host;
  }

  get restartsLeft(): number {
    return this.#budget.left;
  }

  get recentErrors(): readonly unknown[] {
    return this.#budget.errors;
  }

  /** Tells of a crash, once, whatever is done about it. */
  note(incarnation: number, error: unknown): void {
    const text = textOf(error);
    const { name, code } = labelOf(error);
    this.last = { text, name, code };
    const { path } = this.#birth;
    this.#host.inspect(() => ({
      kind: 'crashed',
      path,
      incarnation,
      error: text,
      errorName: name,
      errorCode: code,
      restartsLeft: this.restartsLeft,
    }));
    this.#host.crashed(path, incarnation, error);
  }

  decide(incarnation: number, error: unknown): Decision {
    try {
      return this.#birth.rules.decide(error);
    } catch (cause) {
      this.note(incarnation, cause);
      return 'escalate'; // what cannot be judged here goes up
    }
  }

  /** Counts a crash; false if it was one too many. */
  allowsRestart(error: unknown): boolean {
    return this.#budget.allows(error);
  }

  nextDelayMs(): number {
    this.#backoff ??= new Backoff(this.#birth.rules.backoff, this.#host);
    return this.#backoff.nextDelayMs();
  }

  /** The actor runs. */
  recovered(): void {
    this.#backoff?.succeeded();
  }

  get #budget(): RestartIntensity {
    return (this.#intensity ??= new RestartIntensity(this.#birth.rules.budget, this.#host.clock));
  }
}
