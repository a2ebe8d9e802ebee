import type { Child } from './child.ts';
import type { Finish, FromRelay, RelayBrief } from './protocol.ts';
import type { Stage } from './stage.ts';

/** A relay that listens. */
export interface RelayHandle {
  readonly endpoint: string;
  readonly port: number;
  readonly process: Child<Finish, FromRelay>;
}

/** Starts a relay process and waits until it listens. */
export async function startRelayProcess(brief: RelayBrief, stage: Stage): Promise<RelayHandle> {
  const child = stage.start<Finish, FromRelay>('the relay', 'relay-process', brief);
  let address: { readonly endpoint: string; readonly port: number } | undefined;
  child.messages$.subscribe((message) => {
    if (message.kind === 'failed') stage.fail(new Error(`the relay has failed: ${message.message}`));
    if (message.kind === 'listening') address = message;
    stage.changed();
  });
  await stage.until('the relay listens', () => address !== undefined);
  return { endpoint: address?.endpoint ?? '', port: address?.port ?? 0, process: child };
}
