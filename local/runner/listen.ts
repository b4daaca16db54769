import { once } from 'node:events';
import type { Server } from 'node:http';

/**
 * Listens on 127.0.0.1 only.
 *
 * @param port - 0 = any free one
 * @returns the port
 * @throws Error when the port is taken
 */
export async function listenLocally(server: Server, port = 0): Promise<number> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port');
  return address.port;
}

/** Stops listening and ends what is still open. */
export function closeNow(server: Server): void {
  server.close();
  server.closeAllConnections();
}
