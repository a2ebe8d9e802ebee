import type { MlsEngine } from '../engine.ts';
import { decodeGroup, encodeGroup } from '../group-codec.ts';
import { applyGroupDelta, groupDelta } from '../group-delta.ts';
import type { GroupCodec } from './group-codec.ts';

/** The codec for groups of this engine: what {@link openAgentStore} and {@link openDataDirectory} are given. */
export function mlsGroupCodec(engine: MlsEngine): GroupCodec {
  return {
    encode: encodeGroup,
    decode: (bytes) => decodeGroup(engine, bytes),
    delta: groupDelta,
    apply: (group, delta) => applyGroupDelta(engine, group, delta),
  };
}
