export { Channel, type Consumption, type SendOptions, startChannel, type StopOptions } from './channel.ts';
export type { ChannelPorts } from './workbench.ts';
export type {
  ChannelEvent,
  ChannelFault,
  ChannelMember,
  ChannelMessage,
  ChannelState,
  ChannelStatus,
  CommitReceipt,
  EpochChange,
  GroupChange,
  KeyChange,
  LeaveRequest,
  RejoinRequest,
  SendReceipt,
} from './channel-event.ts';
export type { MessageHandler } from './consumer.ts';
