import type { DeadLetterReason } from './dead-letter.ts';

/** @internal A message in a mailbox. */
export interface Letter<In> {
  readonly message: In;
  readonly bytes: number;
  /** When it was put into the mailbox, Unix ms. */
  postedAtMs: number;
  /** Crashes of the actor while it handled this message. */
  crashes: number;
  /** Told when the message will not be handled: whoever asked must not wait for its deadline. */
  readonly refuse: ((reason: DeadLetterReason) => void) | undefined;
}

/** @internal A message on its way into a mailbox that measures it. */
export function letterOf<In>(
  message: In,
  { sizeOf }: { readonly sizeOf: (message: unknown) => number },
  refuse?: (reason: DeadLetterReason) => void,
): Letter<In> {
  return { message, bytes: sizeOf(message), postedAtMs: 0, crashes: 0, refuse };
}
