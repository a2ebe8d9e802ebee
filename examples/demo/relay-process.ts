import { firstValueFrom } from 'rxjs';
import { startRelay } from '../../src/relay/index.ts';
import { connectParent, readBrief } from './parent.ts';
import type { Finish, FromRelay, RelayBrief } from './protocol.ts';

/** The relay, in a process of its own: it orders, stores and hands on what it cannot read. */
const { inbox$, tell, leave } = connectParent<Finish, FromRelay>();
// It is told nothing but that.
const finished = firstValueFrom(inbox$);

const relay = await startRelay(readBrief() as RelayBrief);
tell({ kind: 'listening', endpoint: relay.endpoint, port: relay.port });

await finished;
await relay.close();
leave({ kind: 'closed' });
