import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Resources } from '../helpers.ts';

/** A request that a scripted agent has read. */
export interface Asked {
  execute: string;
  arguments: Record<string, unknown>;
}

/** What a scripted agent does with a request; whatever it writes is its answer. */
export type Script = (asked: Asked, socket: Socket, agent: ScriptedAgent) => void;

const FF = Buffer.of(0xff);

/** An agent on a Unix socket that does what a test says. Like QEMU's port it has one client at a time, and forgets nothing between two. */
export class ScriptedAgent {
  readonly path: string;
  readonly asked: string[] = [];
  connections = 0;
  readonly #server: Server;

  private constructor(path: string, server: Server) {
    this.path = path;
    this.#server = server;
  }

  static async start(resources: Resources, script: Script): Promise<ScriptedAgent> {
    const path = join(await resources.folder(), 'agent.sock');
    const server = createServer();
    const agent = new ScriptedAgent(path, server);
    server.on('connection', (socket) => {
      agent.connections += 1;
      socket.on('error', () => undefined);
      resources.add(async () => void socket.destroy());
      let text = '';
      socket.setEncoding('latin1').on('data', (chunk: unknown) => {
        text += String(chunk);
        for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
          const line = text.slice(text.lastIndexOf('\xff', end) + 1, end);
          text = text.slice(end + 1);
          const asked = JSON.parse(line) as Asked;
          agent.asked.push(asked.execute);
          script(asked, socket, agent);
        }
      });
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    resources.add(() => agent.stop());
    return agent;
  }

  stop(): Promise<void> {
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}

export const answer = (socket: Socket, value: unknown) => void socket.write(`${JSON.stringify(value)}\n`);

/** The answer of a right agent to a synchronisation; false when it was not asked for one. */
export function synced({ execute, arguments: args }: Asked, socket: Socket): boolean {
  if (execute !== 'guest-sync-delimited') return false;
  socket.write(Buffer.concat([FF, Buffer.from(`${JSON.stringify({ return: args.id })}\n`)]));
  return true;
}
