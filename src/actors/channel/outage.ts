import type { SkytaleError } from '../../base/errors.ts';
import type { ChannelOutput } from './channel-output.ts';

/** Whether the control plane can be asked, as all desks of a channel together see it: an outage is told once. */
export class Outage {
  readonly #output: ChannelOutput;
  /** Those that got no answer the last time. */
  readonly #cutOff = new Set<object>();

  constructor(output: ChannelOutput) {
    this.#output = output;
  }

  /** A desk got no answer. */
  noticed(by: object, error: SkytaleError): void {
    if (this.#cutOff.size === 0) this.#output.fault({ kind: 'control-plane', error });
    this.#cutOff.add(by);
  }

  /** A desk got an answer. */
  answered(to: object): void {
    this.#cutOff.delete(to);
  }
}
