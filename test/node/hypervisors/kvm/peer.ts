import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Resources } from '../../helpers.ts';

/** A command as it arrives. */
export interface Request {
  readonly execute: string;
  readonly arguments: Record<string, unknown>;
  readonly id: number;
}

/**
 * A process in the place of QEMU, for what the real one never does: it greets, lets its clients negotiate, and has `answer`
 * treat all further commands. `after` comes in one breath with the answer to the negotiation, which is left out with null.
 */
export async function servePeer(
  resources: Resources,
  answer: (peer: Socket, request: Request) => unknown,
  after: string | null = '',
): Promise<{ path: string }> {
  const path = join(await resources.folder(), 's');
  const peers = new Set<Socket>();
  const server = createServer((peer) => {
    peers.add(peer);
    peer.write('{"QMP": {}}\r\n');
    let rest = '';
    peer
      .setEncoding('utf8')
      .on('error', () => undefined)
      .on('data', (data) => {
        const lines = (rest + data).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          const request: Request = JSON.parse(line);
          if (request.execute !== 'qmp_capabilities') answer(peer, request);
          else if (after !== null) peer.write(`${JSON.stringify({ return: {}, id: request.id })}\n${after}`);
        }
      });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  resources.add(async () => {
    for (const peer of peers) peer.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { path };
}
