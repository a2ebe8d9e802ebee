import { encodeGroupState } from 'ts-mls';
import { checkBytes } from '../base/check.ts';
import { RuntimeError } from '../base/errors.ts';
import { cipherSuiteNumber } from './cipher-suite.ts';
import { decodeWhole } from './decode.ts';
import { engineParts } from './engine.ts';
import type { MlsEngine } from './engine.ts';
import type { Group } from './group.ts';
import { stateOf, wrapState } from './group-state.ts';
import { groupStateDecoder } from './group-state-decoder.ts';

/** Version of the layout: this byte, the suite's number in two bytes, the library's state. */
const FORMAT = 1;
const HEADER_BYTES = 3;

/**
 * A group as bytes, for {@link decodeGroup}. Holds all secrets. About 23 KB and a millisecond for ten members with four
 * past epochs: write it once per epoch and {@link groupDelta} per batch of messages.
 */
export function encodeGroup(group: Group): Uint8Array {
  const state = stateOf(group);
  const body = encodeGroupState(state);
  const bytes = new Uint8Array(HEADER_BYTES + body.length);
  const suite = cipherSuiteNumber(state.groupContext.cipherSuite);
  bytes.set([FORMAT, suite >> 8, suite & 0xff]);
  bytes.set(body, HEADER_BYTES);
  return bytes;
}

/**
 * The group that {@link encodeGroup} wrote. Encoding it again gives the same bytes. Shares no memory with `bytes`.
 *
 * @throws {@link RuntimeError} `store_damaged` for bytes that are no group, or one of another cipher suite than the
 * engine's; `data_dir_version` for a group that a newer version of this package wrote.
 */
export function decodeGroup(engine: MlsEngine, bytes: Uint8Array): Group {
  const { config, suite } = engineParts(engine);
  checkBytes('bytes', bytes);
  const format = bytes[0] ?? 0;
  if (format > FORMAT) {
    throw new RuntimeError('data_dir_version', `The group was stored by a newer version of this package (${format}).`);
  }
  if (format !== FORMAT || bytes.length < HEADER_BYTES) throw damaged(new Error(`The format is ${format}.`));
  // A copy: the state's fields will be views of it, and they are erased one day.
  const state = decodeWhole(groupStateDecoder(), bytes.slice(HEADER_BYTES), damaged);
  const number = (bytes[1] ?? 0) * 256 + (bytes[2] ?? 0);
  if (number !== cipherSuiteNumber(suite) || state.groupContext.cipherSuite !== suite) {
    throw new RuntimeError('store_damaged', `The stored group is of cipher suite ${number}, the engine of another.`);
  }
  return wrapState({ ...state, clientConfig: config });
}

function damaged(cause: unknown): RuntimeError {
  return new RuntimeError('store_damaged', 'The stored state of a group is damaged.', { cause });
}
