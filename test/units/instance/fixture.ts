import assert from 'node:assert/strict';
import { access, chmod, mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Disk } from '../../../lib/model/disk.ts';
import type { Instance } from '../../../lib/model/instance.ts';
import type { Job, JobOp, OpInput } from '../../../lib/model/job.ts';
import type { Node } from '../../../lib/model/node.ts';
import { put } from '../../../lib/store/changes.ts';
import { TestCluster } from '../../helpers/cluster.ts';
import { eventually } from '../../helpers/program.ts';

export const instance_name = 'web.example.com';

/** The request for a small instance on node1 that is not started. */
export function create(over: Record<string, unknown> = {}): OpInput {
  return {
    ...{ OP_ID: 'OP_INSTANCE_CREATE', instance_name, mode: 'create', disk_template: 'file' },
    ...{ disks: [{ size: 4 }], nics: [], os_type: 'plain', pnode: 'node1.example.com', start: false },
    ...over,
  };
}

/** A cluster of node1 and node2 that allows any size, with OS definitions of its own: `plain`, `flavoured`, `untyped` (of an interface before 20) and `broken`. */
export class InstanceFixture {
  readonly cluster: TestCluster;
  readonly #osFolder: string;

  private constructor(cluster: TestCluster, osFolder: string) {
    this.cluster = cluster;
    this.#osFolder = osFolder;
  }

  /** `over` is said of the cluster instead, `more` are further nodes. */
  static async make(
    over: Parameters<typeof TestCluster.start>[2] = {},
    more: readonly string[] = [],
  ): Promise<InstanceFixture> {
    const osFolder = await mkdtemp(join(tmpdir(), 'merapi-os-'));
    const lists = { 'variants.list': 'small\nlarge\n', 'parameters.list': 'colour its colour\n' };
    await makeOs(join(osFolder, 'plain'), {});
    await makeOs(join(osFolder, 'flavoured'), lists);
    await makeOs(join(osFolder, 'untyped'), { ganeti_api_version: '15\n' });
    await makeOs(join(osFolder, 'broken'), { ganeti_api_version: '99\n' });
    const bounds = (size: number, count: number) => ({
      ...{ 'memory-size': size, 'disk-size': size, 'disk-count': count },
      ...{ 'cpu-count': Math.max(1, count), 'nic-count': count, 'spindle-use': count },
    });
    const cluster = await TestCluster.start(['node1.example.com', 'node2.example.com', ...more], [], {
      os_search_path: [osFolder],
      ipolicy: { minmax: [{ min: bounds(0, 0), max: bounds(1 << 24, 32) }] },
      ...over,
    });
    return new InstanceFixture(cluster, osFolder);
  }

  async close(): Promise<void> {
    await this.cluster.close();
    await rm(this.#osFolder, { recursive: true, force: true });
  }

  get instance(): Instance {
    const instance = this.cluster.store.view.instances.named(instance_name);
    assert.ok(instance, 'the instance is there');
    return instance;
  }

  /** The uuid of a node. */
  node(name: string): string {
    return this.cluster.store.view.nodes.named(name)?.uuid ?? assert.fail(`there is no node ${name}`);
  }

  /** Makes an instance and removes it again; answers it as it was. */
  async made(over: Record<string, unknown> = {}): Promise<{
    instance: Instance;
    disks: readonly Disk[];
    op: JobOp;
    job: Job;
  }> {
    const job = await this.cluster.run(create(over));
    const [op] = job.ops;
    assert.ok(op);
    assert.equal(job.status, 'success', op.failure?.message);
    const { instance } = this;
    const disks = this.cluster.store.view.disksOf(instance);
    await this.remove();
    return { instance, disks, op, job };
  }

  /** Makes an instance, does something with it, and removes it again. */
  async withInstance(over: Record<string, unknown>, use: () => Promise<void>): Promise<void> {
    await this.cluster.done(create(over));
    try {
      await use();
    } finally {
      await this.remove();
    }
  }

  async remove(name = instance_name): Promise<void> {
    await this.cluster.done({ OP_ID: 'OP_INSTANCE_REMOVE', instance_name: name });
  }

  /** Asserts that an opcode is refused with that code and message, and changes nothing. */
  async refuses(op: OpInput, code: string, message: RegExp | string): Promise<void> {
    const { view } = this.cluster.store;
    const { ops } = await this.cluster.run(op);
    const text = ops[0]?.failure?.message ?? '';
    assert.equal(ops[0]?.failure?.code, code, text);
    if (typeof message === 'string') assert.equal(text, message);
    else assert.match(text, message);
    const now = this.cluster.store.view;
    const parts = (['cluster', 'nodes', 'groups', 'instances', 'networks', 'filters'] as const).filter(
      (part) => now[part] !== view[part],
    );
    assert.deepEqual(parts, [], 'what is refused changes nothing');
    // Meanwhile a duty of an earlier job may have been tried; all else is the same object when nothing has changed.
    if (JSON.stringify(now.duties) === JSON.stringify(view.duties)) assert.equal(now, view);
  }

  /** Makes the data of a simulated logical volume [group, name] of a size in MiB on a node, as an administrator may. */
  async volume(node: string, id: [string, string], size: number): Promise<{ exists(): Promise<boolean> }> {
    const path = join(this.cluster.folder(node), 'volumes', 'plain', ...id);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, '');
    await truncate(path, size * 1024 * 1024);
    return {
      exists: () =>
        access(path).then(
          () => true,
          () => false,
        ),
    };
  }

  /** Runs with a node in another state than it is. */
  async withNode(name: string, patch: Partial<Node>, run: () => Promise<unknown>): Promise<void> {
    const { store } = this.cluster;
    const node = store.view.nodes.named(name);
    assert.ok(node);
    await store.commit({ job: null }, () => [put('node', { ...node, ...patch })]);
    try {
      await run();
    } finally {
      await store.commit({ job: null }, () => [put('node', node)]);
      // A node that was offline is not known before it has told its facts again.
      await eventually(`${name} is known`, async () => this.cluster.runtime.of(node.uuid));
      await eventually(`${name} owes nothing`, async () => store.view.duties.length === 0 || null);
    }
  }
}

/** Makes an OS definition; the scripts that are not given do nothing. */
export async function makeOs(folder: string, files: Record<string, string>): Promise<void> {
  await mkdir(folder);
  const nothing = '#!/bin/sh\nexit 0\n';
  const scripts = { create: nothing, import: nothing, export: nothing, rename: nothing, verify: nothing };
  const all = { ganeti_api_version: '20\n', 'parameters.list': '', ...scripts, ...files };
  for (const [file, text] of Object.entries(all)) await writeFile(join(folder, file), text);
  for (const script of Object.keys(scripts)) await chmod(join(folder, script), 0o755);
}
