export { attachInspection, type AttachOptions } from './attach-inspection.ts';
export type {
  ActorNode,
  AgentNode,
  ChangesFrame,
  ChannelNode,
  EventFrame,
  FeedEvent,
  InspectedFault,
  InspectionFrame,
  InspectionNode,
  SnapshotFrame,
} from './frame.ts';
export type { InspectedAgent } from './sources.ts';
export {
  INSPECTION_SOCKET,
  type InspectionOptions,
  type InspectionServer,
  serveInspection,
  type ServeInspectionOptions,
} from './serve-inspection.ts';
