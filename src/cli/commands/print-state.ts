import type { ChannelState } from '../../actors/channel/index.ts';
import type { CliContext } from '../context.ts';
import { identityText } from '../format.ts';

/** A channel as one JSON object. */
export function stateJson({ name, status, epoch, seq, members }: ChannelState): object {
  return {
    channel: name,
    status,
    epoch: String(epoch),
    seq,
    members: members.map(({ identity, leaf }) => ({ identity: identityText(identity), leaf })),
  };
}

/** Says what was done to a channel: a line for people, or the channel's state as JSON. */
export async function printState(
  { terminal }: CliContext,
  { json }: { readonly json: boolean },
  state: ChannelState,
  done: string,
): Promise<void> {
  if (json) return terminal.write(`${JSON.stringify(stateJson(state))}\n`);
  const members = state.members.length === 1 ? '1 member' : `${state.members.length} members`;
  return terminal.write(`${done} (${members}, epoch ${state.epoch})\n`);
}
