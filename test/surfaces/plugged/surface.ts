// A made-up protocol of lines over TCP, which shows that a surface needs nothing of the cluster but the manager:
//   run JSON            runs a job of one opcode to its end: `STATUS` and the text of the failure
//   names KIND          the names of all objects of a kind
//   tag KIND NAME TAG   tags an object, without a job
//   follow KIND…        from now on a line `ID ACTION NAME` for each event of these kinds
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Principal } from '../../../lib/access/principal.ts';
import { errorText, MerapiError } from '../../../lib/base/errors.ts';
import type { Manager } from '../../../lib/manager/define.ts';
import type { NamedKind } from '../../../lib/model/access.ts';
import type { TagKind } from '../../../lib/model/tag.ts';

/** Milliseconds without an event after which an empty page comes. */
const IDLE = 60_000;

/** Serves a manager to one principal; answers its port, and how to end it. */
export async function startLines(manager: Manager, principal: Principal) {
  const closing = new AbortController();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    serve(socket).catch(() => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  async function serve(socket: Socket): Promise<void> {
    for await (const line of createInterface({ input: socket })) {
      const [word = '', ...rest] = line.split(' ');
      try {
        for await (const told of answer(word, rest)) socket.write(`${told}\n`);
      } catch (error) {
        const code = error instanceof MerapiError ? error.code : 'internal_error';
        socket.write(`! ${code} ${errorText(error)}\n`);
      }
    }
  }

  async function* answer(word: string, rest: readonly string[]): AsyncGenerator<string> {
    const [kind = '', name = '', tag = ''] = rest;
    if (word === 'run') {
      const job = await manager.runToEnd(principal, [JSON.parse(rest.join(' '))], closing.signal);
      yield [job?.status, job?.ops[0]?.failure?.message].filter(Boolean).join(' ');
    } else if (word === 'names') {
      for (const each of manager.names(principal, kind as NamedKind)) yield each.name;
      yield '.';
    } else if (word === 'tag') {
      await manager.change(principal, { object: { kind: kind as TagKind, name }, add: [tag] });
      yield 'ok';
    } else if (word === 'follow') {
      const after = manager.events(principal).last;
      yield 'ok';
      const how = { filter: { kinds: rest }, after, idle: IDLE, signal: closing.signal };
      for await (const page of manager.follow(principal, how))
        for (const event of page.events) yield `${event.id} ${event.action} ${event.name}`;
    } else
      throw new MerapiError('wrong_input', `There is no word '${word}'; there are run, names, tag, follow`);
  }

  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      closing.abort();
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
