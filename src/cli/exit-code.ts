import type { SkytaleError } from '../base/errors.ts';

/** Exit codes of `skytale`. They are part of its interface: scripts may rely on them. */
export const EXIT = {
  ok: 0,
  /** Something did not work, and no other code says more. */
  failure: 1,
  /** The command line makes no sense: unknown options, missing arguments, a channel name that is none. */
  usage: 2,
  /** The API key is missing or wrong, or the account may not do this. */
  auth: 3,
  /** Relay or control plane cannot be reached, or did not answer in time. */
  network: 4,
  /** The plan's messages of this month are used up. */
  quota: 5,
  /** Ended by Ctrl-C. Other signals end with 128 and their number, as shells say it. */
  interrupted: 130,
} as const;

/** The exit code that an error of the package ends a command with. */
export function exitCodeOf(error: SkytaleError): number {
  if (USAGE_CODES.has(error.code)) return EXIT.usage;
  switch (error.name) {
    case 'AuthError':
      return EXIT.auth;
    case 'TransportError':
      return error.code === 'message_too_large' ? EXIT.failure : EXIT.network;
    case 'QuotaExceededError':
      return EXIT.quota;
    default:
      return EXIT.failure;
  }
}

/** A bad channel name, an invite token that is none, or an option out of range: what was typed is wrong, whatever the world is like. */
const USAGE_CODES: ReadonlySet<string> = new Set(['channel_error', 'invalid_argument', 'invite_invalid']);

/** For the help of the command. */
export const EXIT_CODES_TEXT = `Exit codes:
  0    done
  1    it did not work
  2    the command line makes no sense
  3    API key missing or wrong, or not allowed
  4    relay or control plane not reached, or no answer in time
  5    the messages of this month are used up
  130  interrupted (128 and its number for other signals)`;
