/** Why a command ends before it is done, without anything having gone wrong. Used as the reason of its signal. */
export abstract class Ending extends Error {
  abstract readonly exitCode: number;
}

/** The reader of the output has gone (`skytale tail … | head`): a quiet end. */
export class OutputClosed extends Ending {
  readonly exitCode: number = 0;

  constructor() {
    super('nobody reads the output any more');
    this.name = 'OutputClosed';
  }
}

/** A signal asked the process to end. */
export class Interrupted extends Ending {
  readonly exitCode: number;

  constructor(signal: string, number: number) {
    super(`ended by ${signal}`);
    this.name = 'Interrupted';
    this.exitCode = 128 + number;
  }
}

/** The process that held the data directory for this command has ended: the command goes on in a process of its own. */
export class Handover extends Ending {
  readonly exitCode: number = 1;

  constructor() {
    super('the process that held the data directory has ended');
    this.name = 'Handover';
  }
}
