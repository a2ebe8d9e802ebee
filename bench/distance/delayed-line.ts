import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** A TCP line to a port of this machine that is as long as it is told to be. */
export interface DelayedLine {
  readonly port: number;
  close(): Promise<void>;
}

/** Forwards to `port`, each piece of data half a round trip after it came; as wide as the machine allows. */
export async function startDelayedLine(port: number, roundTripMs: number): Promise<DelayedLine> {
  const ends = new Set<Socket>();
  const forward = (from: Socket, to: Socket): void => {
    ends.add(from);
    from.setNoDelay(true);
    from.on('error', () => to.destroy());
    from.on('data', (bytes) => setTimeout(() => to.write(bytes), roundTripMs / 2)); // equal delays keep the order
    from.on('close', () => setTimeout(() => to.destroy(), roundTripMs / 2));
  };
  const server = createServer((near) => {
    const far = connect({ port, host: '127.0.0.1' });
    forward(near, far);
    forward(far, near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      for (const end of ends) end.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
