import { fromBinary } from '@bufbuild/protobuf';
import { DeliverSchema } from '../../../src/transport/gen/skytale/relay/v1/relay_pb.ts';
import { entryFromWire } from '../../../src/transport/index.ts';
import type { LogEntry } from '../../../src/transport/index.ts';
import type { EntryRun } from '../../../src/relay/engine/entry-run.ts';

/** The entries of a run, read with the generated codec. Their byte strings are plain ones, whatever the engine's are. */
export function entriesOf(run: EntryRun | undefined): LogEntry[] {
  return run === undefined ? [] : fromBinary(DeliverSchema, new Uint8Array(run.bytes)).entries.map(entryFromWire);
}
