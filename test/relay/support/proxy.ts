import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A line between clients and a relay that can fail in ways that neither end is told of. */
export interface Proxy {
  readonly endpoint: string;
  /** Swallows all that comes from now on, in both directions, and closes nothing. */
  freeze(): void;
}

/** A line to a port of 127.0.0.1 until the test has finished. */
export async function startProxy(port: number): Promise<Proxy> {
  const ends = new Set<Socket>();
  let isFrozen = false;
  const join = (from: Socket, to: Socket): void => {
    ends.add(from);
    from.on('error', () => undefined);
    from.on('data', (bytes: Buffer) => {
      if (!isFrozen) to.write(bytes);
    });
    from.on('close', () => {
      if (!isFrozen) to.destroy();
    });
  };
  const server = createServer((near) => {
    const far = connect({ port, host: '127.0.0.1' });
    join(near, far);
    join(far, near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const end of ends) end.destroy();
    server.close();
    await once(server, 'close');
  });
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    freeze: () => (isFrozen = true),
  };
}
