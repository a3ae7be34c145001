import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, describe, it, mock } from 'node:test';
import { Command } from 'commander';
import { fillClientCommands } from '../../../lib/cli/commands/index.ts';
import { nameOf } from '../../../lib/cli/commands/opcode-names.ts';
import type { Route } from '../../../lib/client/route.ts';
import { routes } from '../../../lib/client/routes.ts';
import { allParams, type Opcode } from '../../../lib/opcodes/define.ts';
import { type OpcodeId, opcodeOf } from '../../../lib/opcodes/registry.ts';

/** What the API was asked. */
interface Asked {
  address: URL;
  body: Record<string, unknown>;
}

describe('every boolean parameter of every opcode', () => {
  const asked: Asked[] = [];
  let server: Server;
  let url: string;
  before(async () => {
    server = createServer(async (request, response) => {
      const body = await text(request);
      asked.push({
        address: new URL(request.url ?? '', 'http://api'),
        body: body === '' ? {} : JSON.parse(body),
      });
      response.end('1\n');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => server.close());

  async function submit(words: readonly string[]): Promise<Asked> {
    const merapi = new Command('merapi').exitOverride();
    fillClientCommands(merapi);
    const written = mock.method(process.stdout, 'write', () => true);
    try {
      await merapi.parseAsync([...words, '--submit', '--url', url], { from: 'user' });
    } finally {
      written.mock.restore();
    }
    return asked.pop() ?? assert.fail('nothing was asked');
  }

  const word = (value: unknown) => (typeof value === 'object' ? JSON.stringify(value) : String(value));
  const option = (param: string) => `--${param.replaceAll('_', '-')}`;

  for (const [id, route] of Object.entries(routes) as [OpcodeId, Route][])
    it(`${id}: yes, no and alone are what is sent`, async () => {
      const opcode = opcodeOf(id) as unknown as Opcode;
      const { noun, verb } = nameOf(route);
      const places = new Command();
      fillClientCommands(places);
      const command =
        places.commands.find((each) => each.name() === noun)?.commands.find((each) => each.name() === verb) ??
        assert.fail(`no command ${noun} ${verb}`);
      const positional = command.registeredArguments.map((each) => each.name().replaceAll('-', '_'));
      const example = (name: string) => word(opcode.example[name] ?? (name === 'disk' ? 0 : 'x'));
      const given = Object.entries(opcode.example).flatMap(([name, value]) =>
        positional.includes(name) ? [] : [option(name), word(value)],
      );
      const params = Object.entries(allParams(opcode)).filter(
        ([name, { type }]) =>
          /^(None or )?\(?Boolean\)?$/.test(type) &&
          !positional.includes(name) &&
          !Object.hasOwn(route.fixed, name) &&
          !Object.hasOwn(opcode.example, name) &&
          !route.forbidden.includes(name),
      );
      const start = [noun, verb, ...positional.map(example)];
      for (const [name] of params)
        for (const [words, value] of [
          [[option(name), 'yes'], true],
          [[option(name), 'no'], false],
          [[option(name)], true],
        ] as const) {
          const { address, body } = await submit([...start, ...given, ...words]);
          const argument = name === 'dry_run' ? 'dry-run' : route.args[name];
          const sent =
            argument === undefined
              ? body[route.body[name] ?? name]
              : address.searchParams.get(argument) === '1';
          assert.equal(sent, value, `${words.join(' ')} of ${noun} ${verb}`);
        }
    });
});
