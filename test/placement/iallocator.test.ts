import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { AllocateRequest } from '../../lib/allocator/model.ts';
import type { OpInput } from '../../lib/model/job.ts';
import { iallocatorInput } from '../../lib/placement/iallocator-input.ts';
import { placeNew } from '../../lib/placement/placement.ts';
import { RuntimeTable } from '../../lib/rpc/runtime.ts';
import { create, InstanceFixture, instance_name } from '../units/instance/fixture.ts';

/** A small instance without disks. */
const needs: Omit<AllocateRequest, 'required_nodes'> = {
  ...{ memory: 1, vcpus: 1, disks: [], disk_template: 'diskless', spindle_use: 1 },
  ...{ spindles: 0, nic_count: 0, tags: [] },
};

/** A cluster's own allocators: programs in any language that answer in JSON. */
describe('executables as allocators', () => {
  let folder: string;
  let f: InstanceFixture;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'merapi-allocators-'));
    await mkdir(join(folder, 'second'));
    f = await InstanceFixture.make({
      iallocator_search_path: [folder, join(folder, 'second'), join(folder, 'none')],
      default_iallocator: 'own',
      enabled_disk_templates: ['file', 'drbd', 'sharedfile', 'diskless'],
    });
  });
  after(async () => {
    await f.close();
    await rm(folder, { recursive: true, force: true });
  });

  const script = async (name: string, lines: string, mode = 0o755) => {
    await writeFile(join(folder, name), `#!/bin/sh\n${lines}\n`);
    await chmod(join(folder, name), mode);
  };
  const answering = (name: string, answer: unknown) =>
    script(name, `cat <<'END'\n${JSON.stringify(answer)}\nEND`);
  const placed = (result: unknown) => ({ success: true, info: 'as you wish', result });
  const wanted = (iallocator: string | null, over: Record<string, unknown> = {}): OpInput =>
    create({ pnode: null, iallocator, ...over });

  it('get the question in a file of their own and parameters as arguments, and decide', async () => {
    const seen = join(folder, 'seen');
    await script(
      'own',
      `{ stat -c %a "$1"; cat "$1"; echo; shift; echo "$@"; } >${seen}
       echo '${JSON.stringify(placed(['node2.example.com']))}'`,
    );
    const params = { 'mem-weight': 3, 'no-checks': true };
    await f.cluster.done({ OP_ID: 'OP_CLUSTER_SET_PARAMS', default_iallocator_params: params });
    const { op } = await f.made({ pnode: null, tags: ['service:dns'], beparams: { memory: 64, vcpus: 2 } });
    assert.deepEqual(op.result, ['node2.example.com']);
    assert.equal(op.log[0]?.text, `The allocator own (${join(folder, 'own')}) answers: as you wish`);
    const [mode, input = '', args] = (await readFile(seen, 'utf8')).split('\n');
    assert.deepEqual([mode, args], ['600', '--mem-weight=3 --no-checks']);
    const question = JSON.parse(input);
    assert.deepEqual(Object.keys(question.nodes), ['node1.example.com', 'node2.example.com']);
    assert.deepEqual(question.request, {
      ...{ type: 'allocate', name: instance_name, os: 'plain', hypervisor: 'fake', disk_template: 'file' },
      ...{ tags: ['service:dns'], vcpus: 2, memory: 64, spindle_use: 1, required_nodes: 1 },
      ...{ group_name: null, disks: [{ size: 4, mode: 'rw' }], disk_space_total: 4, nics: [] },
    });
    const left = (await readdir(tmpdir())).filter((name) => name.startsWith('merapi-question-'));
    assert.deepEqual(left, [], 'the question is removed');
  });

  it('become the default only when they are there', async () => {
    const set = (default_iallocator: string) => ({ OP_ID: 'OP_CLUSTER_SET_PARAMS', default_iallocator });
    await f.refuses(set('nosuch'), 'wrong_input', /^There is no allocator 'nosuch'/);
    for (const name of ['hail', '', 'own']) {
      await f.cluster.done(set(name));
      assert.equal(f.cluster.store.view.cluster.default_iallocator, name);
    }
  });

  it('get no parameters that are meant for another one', async () => {
    await script('other', `[ $# = 1 ] && echo '${JSON.stringify(placed(['node1.example.com']))}'`);
    const { op } = await f.made({ pnode: null, iallocator: 'other' });
    assert.deepEqual(op.result, ['node1.example.com']);
  });

  it('come before the built-in one of the same name; the first folder counts', async () => {
    const built = await f.made({ pnode: null, iallocator: 'hail' });
    assert.match(built.op.log[0]?.text ?? '', /^The built-in allocator chose /);
    await answering('second/hail', placed(['node2.example.com']));
    for (const path of ['second/hail', 'hail']) {
      if (path === 'hail') await answering('hail', placed(['node1.example.com']));
      const { op } = await f.made({ pnode: null, iallocator: 'hail' });
      assert.equal(op.log[0]?.text, `The allocator hail (${join(folder, path)}) answers: as you wish`);
      assert.deepEqual(op.result, [path === 'hail' ? 'node1.example.com' : 'node2.example.com']);
    }
    await script('hail', 'exit 1', 0o644); // what cannot be executed is none
    const { op } = await f.made({ pnode: null, iallocator: 'hail' });
    assert.deepEqual(op.result, ['node2.example.com']);
  });

  it('that fail, or answer what cannot be, make the job fail', async () => {
    await script('failing', 'echo first >&2; echo no data >&2; exit 3');
    await script('chatty', 'echo Hello');
    await answering('incomplete', { success: true });
    await answering('refusing', { success: false, info: 'all full', result: [] });
    await answering('wrong', placed('node1.example.com'));
    await answering('stranger', placed(['node9.example.com']));
    await answering('two', placed(['node1.example.com', 'node2.example.com']));
    await answering('twice', placed(['node1.example.com', 'node1.example.com']));
    const cases: [string, string, RegExp, object?][] = [
      ['failing', 'execution', /failing failed with exit code 3: first; no data$/],
      ['chatty', 'execution', /does not answer in JSON: Hello/],
      ['incomplete', 'execution', /answers in a wrong format: info /],
      ['refusing', 'insufficient_resources', /refusing\) found no nodes: all full$/],
      ['wrong', 'execution', /answers in a wrong format: /],
      ['stranger', 'execution', /chose a node that does not exist, node9\.example\.com/],
      ['two', 'execution', /chose 2 nodes where 1 are needed/],
      ['twice', 'execution', /chose a node twice/, { disk_template: 'drbd' }],
      ['nosuch', 'execution', /^There is no allocator 'nosuch'; 'hail' is built in, and no executable/],
      ['../failing', 'execution', /There is no allocator/],
    ];
    for (const [name, code, message, over] of cases)
      await f.refuses(wanted(name, { ...over }), code, message);
  });

  it('may only move what is to be moved, by opcodes that move', async () => {
    await f.withInstance({ disk_template: 'sharedfile' }, async () => {
      const moved = (op: object) => placed([[[instance_name, 'default', ['node2.example.com']]], [], [[op]]]);
      const go = { OP_ID: 'OP_INSTANCE_FAILOVER', instance_name, target_node: 'node2.example.com' };
      await answering('strange', moved({ ...go, instance_name: 'other.example.com' }));
      await answering('harmful', moved({ OP_ID: 'OP_INSTANCE_REMOVE', instance_name }));
      await answering('odd', moved({ ...go, speed: 9 }));
      await answering('unable', placed([[], [[instance_name, 'too big']], []]));
      await answering('good', moved(go));
      const evacuate = (iallocator: string) => ({
        ...{ OP_ID: 'OP_NODE_EVACUATE', node_name: 'node1.example.com', mode: 'primary-only', iallocator },
      });
      const cases: [string, RegExp][] = [
        ['strange', /moves other\.example\.com, which the request does not contain/],
        ['harmful', /answers in a wrong format/],
        ['odd', /answers with an invalid opcode: .*unknown parameter 'speed'/],
        ['unable', /^Instances that cannot be moved: web\.example\.com \(too big\)$/],
      ];
      for (const [name, message] of cases) await f.refuses(evacuate(name), 'execution', message);
      const { ops } = await f.cluster.done(evacuate('good'));
      const { jobs = [] } = (ops[0]?.result ?? {}) as { jobs?: [boolean, number][] };
      assert.equal((await f.cluster.ended(jobs[0]?.[1] ?? 0)).status, 'success');
      assert.equal(f.instance.primary_node, f.node('node2.example.com'));
    });
  });

  it('see a node that does not answer as offline; the built-in one then says that it is for now', async () => {
    const { view } = f.cluster.store;
    const runtime = new RuntimeTable();
    const request: AllocateRequest = { ...needs, required_nodes: 1 };
    const wanted = { name: 'x.example.com', os: '', hypervisor: 'fake', nics: [], request };
    const { nodes } = iallocatorInput(view, runtime, { type: 'allocate', wanted }) as {
      nodes: Record<string, { offline: boolean; total_memory?: number }>;
    };
    for (const { offline, total_memory } of Object.values(nodes))
      assert.deepEqual([offline, total_memory], [true, undefined]);
    await rm(join(folder, 'second', 'hail'));
    await assert.rejects(placeNew({ view, runtime, log: assert.fail }, 'hail', wanted), {
      code: 'temp_insufficient_resources',
      message: /node1\.example\.com: its free memory is not known/,
    });
  });
});
