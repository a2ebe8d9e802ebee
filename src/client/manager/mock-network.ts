import {
  type ControlPlane,
  createMemoryControlPlane,
  createMemoryRelay,
  type MemoryControlPlane,
  type MemoryRelay,
  type RelayTransport,
} from '../../transport/index.ts';

/** A manager's place in the network that the managers of a process share who run without a real one. */
export interface MockNetwork {
  readonly transport: RelayTransport;
  readonly controlPlane: ControlPlane;
  /** Once, when it is not used any more. */
  readonly leave: () => void;
}

/** All of them are on one account, as those of one user are. */
const ACCOUNT = 'mock';

let shared: { readonly relay: MemoryRelay; readonly controlPlane: MemoryControlPlane } | undefined;
let users = 0;

/** Joins the network in memory of this process, which is made for the first who asks. */
export function joinMockNetwork(): MockNetwork {
  shared ??= makeNetwork();
  users += 1;
  const { relay, controlPlane } = shared;
  let isIn = true;
  return {
    transport: relay.connect(),
    controlPlane: controlPlane.connect(ACCOUNT),
    leave() {
      if (!isIn) return;
      isIn = false;
      users -= 1;
      if (users > 0) return;
      // The last one turns off the light: the next run of a test finds nothing of this one.
      controlPlane.close();
      shared = undefined;
    },
  };
}

function makeNetwork(): NonNullable<typeof shared> {
  const relay = createMemoryRelay();
  return { relay, controlPlane: createMemoryControlPlane({ relay }) };
}
