import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Route, requestOf } from '../../lib/client/route.ts';
import { routes } from '../../lib/client/routes.ts';
import type { Opcode } from '../../lib/opcodes/define.ts';
import { type OpcodeId, opcodes } from '../../lib/opcodes/registry.ts';
import { QueryArgs } from '../../lib/surfaces/rapi/query.ts';
import { resources } from '../../lib/surfaces/rapi/registry.ts';
import { type Call, pathPattern } from '../../lib/surfaces/rapi/resource.ts';

/** What the API submits for a request. */
async function submitted(method: string, address: string, body: unknown): Promise<Record<string, unknown>> {
  const [path = '', query = ''] = address.split('?');
  for (const resource of resources) {
    const items = pathPattern(resource.path).exec(path)?.slice(1);
    const found = resource.methods[method as 'GET'];
    if (!items || !found) continue;
    let op: Record<string, unknown> | undefined;
    const manager = {
      submit: async (_: unknown, ops: Record<string, unknown>[]) => {
        op = ops[0];
        return 1;
      },
    };
    const clock = { nanoseconds: () => 0 };
    await found.handle({
      manager,
      resource: resource.name,
      items,
      query: new QueryArgs(query),
      body,
      clock,
      fingerprint: () => '',
      header: () => null,
    } as unknown as Call);
    return op ?? assert.fail('nothing was submitted');
  }
  return assert.fail(`no resource for ${method} ${path}`);
}

describe('the routes of the client', () => {
  for (const [id, route] of Object.entries(routes) as [OpcodeId, Route][])
    it(`${id}: the API understands what the client asks for`, async () => {
      const { example } = opcodes[id] as unknown as Opcode;
      const { method, address, body } = requestOf(route, {
        ...example,
        dry_run: true,
        comment: 'x y',
      } as never);
      const op = await submitted(method, address, body && JSON.parse(JSON.stringify(body)));
      assert.equal(op.OP_ID, id);
      for (const [name, value] of Object.entries({ ...example, dry_run: true, comment: 'x y' }))
        assert.deepEqual(op[name], value, name);
    });

  it('are those of every opcode that a request stands for', () => {
    const plain = resources.flatMap(({ methods }) =>
      Object.values(methods).flatMap(({ opcode, submission }) => (opcode && submission ? [opcode] : [])),
    );
    assert.deepEqual(Object.keys(routes).sort(), [...new Set(plain)].sort());
  });
});
