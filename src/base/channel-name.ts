import { ChannelError } from './errors.ts';

declare const channelName: unique symbol;

/** A checked channel name, `org/namespace/service`. Obtain one from {@link parseChannelName}. */
export type ChannelName = string & { readonly [channelName]: true };

/** The longest name, in characters, that a relay stores. */
const MAX_LENGTH = 255;

const COMPONENT = /^[a-z0-9-]+$/;

/**
 * Checks a channel name: exactly three components separated by `/`, each lower-case alphanumeric with hyphens allowed,
 * at most 255 characters in all.
 *
 * @throws {@link ChannelError} with code `channel_error`, for example
 * `invalid channel name: bad-name (expected org/namespace/service)`.
 *
 * @example
 * parseChannelName('acme/research/summarizer');
 */
export function parseChannelName(name: string): ChannelName {
  if (typeof name !== 'string') throw ChannelError.invalidName(String(name), 'a string');
  // First, so that nothing long is split, or repeated in a message.
  if (name.length > MAX_LENGTH) {
    throw ChannelError.invalidName(
      `${name.slice(0, 32)}…`,
      `org/namespace/service of at most ${MAX_LENGTH} characters`,
    );
  }
  const components = name.split('/');
  if (components.length !== 3 || !components.every((component) => COMPONENT.test(component))) {
    throw ChannelError.invalidName(name, 'org/namespace/service');
  }
  return name as ChannelName;
}
