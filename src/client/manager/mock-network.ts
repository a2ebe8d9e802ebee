import { createMemoryRelay, type MemoryRelay } from '../../transport/index.ts';

/** What the managers of a process share that run without a network. */
export interface MockNetwork {
  readonly relay: MemoryRelay;
}

let network: MockNetwork | undefined;
let users = 0;

/** The network in memory of this process; made for the first who asks. `leave` once when it is not used any more. */
export function joinMockNetwork(): { readonly network: MockNetwork; readonly leave: () => void } {
  network ??= { relay: createMemoryRelay() };
  users += 1;
  let isIn = true;
  const leave = (): void => {
    if (!isIn) return;
    isIn = false;
    users -= 1;
    // The last one turns off the light: the next run of a test finds nothing of this one.
    if (users === 0) network = undefined;
  };
  return { network, leave };
}
