import { type ChannelRecord, groupMembers } from '../../mls/index.ts';
import { assembleChannel, type Channel } from './channel.ts';
import { ChannelActor } from './channel-actor.ts';
import { createChannelMailbox } from './channel-mailbox.ts';
import type { ChannelPorts } from './workbench.ts';

/** Opens a channel on its record, as it is in the store. */
export function startChannel(record: ChannelRecord, ports: ChannelPorts): Channel {
  const mailbox = createChannelMailbox();
  const core = new ChannelActor(record, mailbox, ports);
  const { clock, random } = ports;
  return assembleChannel({
    name: record.name,
    self: ownIdentity(record),
    idKey: record.idKey,
    mailbox,
    core,
    clock,
    random,
  });
}

/** Whose record it is. */
export function ownIdentity({ group }: Pick<ChannelRecord, 'group'>): Uint8Array {
  return groupMembers(group).find(({ leaf }) => leaf === group.ownLeaf)?.identity ?? new Uint8Array();
}
