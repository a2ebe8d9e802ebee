import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below what systems give to servers that ask for any port, and to connections that go out: 32 768 on, or 49 152 (RFC 6335 §6). */
const PORTS = { from: 20_000, to: 32_000 };

/**
 * A port of 127.0.0.1 on which nothing listens, and which the system gives to nobody: a server that starts on it a while later
 * finds it free, whatever other tests do meanwhile.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(PORTS.from, PORTS.to);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch {
    return false; // somebody else's
  }
  server.close();
  await once(server, 'close');
  return true;
}
