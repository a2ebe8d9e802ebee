import type { ChannelFault } from '../../actors/channel/index.ts';
import { checkInteger } from '../../base/check.ts';
import { RuntimeError } from '../../base/errors.ts';
import type { RefusalReason } from '../../transport/index.ts';

/**
 * Something that goes wrong in the replay of a `plaintext` tape, and did not when it was recorded. Messages, and sends of the code under
 * test, are counted from 1.
 *
 * - `drop-message`: the message is gone for ever; a `gap` is shown in its place.
 * - `repeat-message`: it is shown once more, as `redelivered`, as after a crash of its reader.
 * - `delay-message`: it is shown so much later, in milliseconds. What is recorded behind it does not overtake it.
 * - `offline`: in front of the message the connection is lost for so long, in milliseconds. What is recorded within that time is shown when it is
 *   back, with the phase `replay`.
 * - `show-fault`: in front of the message this fault is shown.
 * - `refuse-send`: the relay refuses what the code under test sends.
 */
export type TapeFault =
  | { readonly kind: 'drop-message'; readonly nth: number }
  | { readonly kind: 'repeat-message'; readonly nth: number }
  | { readonly kind: 'delay-message'; readonly nth: number; readonly ms: number }
  | { readonly kind: 'offline'; readonly nth: number; readonly forMs: number }
  | { readonly kind: 'show-fault'; readonly nth: number; readonly fault: ChannelFault }
  | { readonly kind: 'refuse-send'; readonly nth: number; readonly reason: RefusalReason };

/** A planned fault, and how often it has happened: 0 or 1. */
export interface TapeFaultCount {
  readonly fault: TapeFault;
  readonly fired: number;
}

type TapeFaultOf<Kind extends TapeFault['kind']> = Extract<TapeFault, { readonly kind: Kind }>;

/** What is planned for a replay, and what of it has happened. */
export class TapeFaultBoard {
  readonly #faults: readonly TapeFault[];
  readonly #fired = new Set<TapeFault>();

  /** @throws {@link RuntimeError} `invalid_argument` */
  constructor(faults: readonly TapeFault[]) {
    for (const fault of faults) check(fault);
    this.#faults = faults;
  }

  get counts(): readonly TapeFaultCount[] {
    return this.#faults.map((fault) => ({ fault, fired: this.#fired.has(fault) ? 1 : 0 }));
  }

  get unfired(): readonly TapeFault[] {
    return this.#faults.filter((fault) => !this.#fired.has(fault));
  }

  /** What of this kind happens to the `nth` message or send. It happens now. */
  take<Kind extends TapeFault['kind']>(kind: Kind, nth: number): readonly TapeFaultOf<Kind>[] {
    if (this.#faults.length === 0) return [];
    const isDue = (fault: TapeFault): fault is TapeFaultOf<Kind> => fault.kind === kind && fault.nth === nth;
    const due = this.#faults.filter(isDue);
    for (const fault of due) this.#fired.add(fault);
    return due;
  }
}

const KINDS: ReadonlySet<string> = new Set<TapeFault['kind']>([
  'drop-message',
  'repeat-message',
  'delay-message',
  'offline',
  'show-fault',
  'refuse-send',
]);

function check(fault: TapeFault): void {
  // Callers without types may hand in anything.
  if (!KINDS.has(fault.kind)) {
    throw new RuntimeError('invalid_argument', `Expected \`faults\` of a known kind, got ${fault.kind as string}.`);
  }
  checkInteger('nth', fault.nth, 1);
  if (fault.kind === 'delay-message') checkInteger('ms', fault.ms, 1);
  if (fault.kind === 'offline') checkInteger('forMs', fault.forMs, 1);
}
