import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { copyFile, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { layoutOf } from '../../../lib/app/layout.ts';
import type { Instance } from '../../../lib/model/instance.ts';
import type { JobOp, OpInput } from '../../../lib/model/job.ts';
import { TestCluster } from '../../helpers/cluster.ts';
import { makeOs } from '../instance/fixture.ts';

export const instance_name = 'web.example.com';
const MIB = 1024 * 1024;

/** Scripts that copy a disk as it is, and note in the folder of the definition what they were told. */
const copying = {
  export: '#!/bin/sh\necho "$EXPORT_INDEX $INSTANCE_NAME" >>exported\nexec cat "$EXPORT_DEVICE"\n',
  import:
    '#!/bin/sh\necho "$IMPORT_INDEX $INSTANCE_NAME" >>imported\nexec dd of="$IMPORT_DEVICE" conv=notrunc,sparse bs=64k\n',
  rename: '#!/bin/sh\necho "$OLD_INSTANCE_NAME $INSTANCE_NAME" >>renamed\n',
};

/** A cluster with an OS whose scripts copy disks. */
export class BackupFixture {
  readonly cluster: TestCluster;
  readonly osFolder: string;

  private constructor(cluster: TestCluster, osFolder: string) {
    this.cluster = cluster;
    this.osFolder = osFolder;
  }

  static async make(nodes: readonly string[]): Promise<BackupFixture> {
    const osFolder = await mkdtemp(join(tmpdir(), 'merapi-os-'));
    await makeOs(join(osFolder, 'copy'), copying);
    const failing = '#!/bin/sh\ncat >/dev/null\necho no good >&2\nexit 3\n';
    await makeOs(join(osFolder, 'bad'), { import: failing, export: '#!/bin/sh\necho no good >&2\nexit 3\n' });
    const cluster = await TestCluster.start(nodes, [], {
      os_search_path: [osFolder],
      enabled_disk_templates: ['file', 'diskless', 'plain', 'drbd'],
    });
    return new BackupFixture(cluster, osFolder);
  }

  /** Gives this cluster the secret of another one. */
  async trusts(other: TestCluster): Promise<void> {
    await copyFile(layoutOf(other.dir).sharedSecret, layoutOf(this.cluster.dir).sharedSecret);
    await this.cluster.restart();
  }

  async close(): Promise<void> {
    await this.cluster.close();
    await rm(this.osFolder, { recursive: true, force: true });
  }

  /** Makes the instance and writes data onto its disks; answers what they hold. */
  async filled(over: Record<string, unknown> = {}): Promise<Buffer[]> {
    await this.cluster.done(create(over));
    const data: Buffer[] = [];
    for (const [index, path] of this.paths().entries()) {
      const file = await open(path, 'r+');
      await file.write(randomBytes(MIB), 0, MIB, index * 4096);
      await file.close();
      data.push(await readFile(path));
    }
    return data;
  }

  instance(name = instance_name): Instance {
    const instance = this.cluster.store.view.instances.named(name);
    assert.ok(instance, `${name} is there`);
    return instance;
  }

  /** Where the data of the disk files of an instance is. */
  paths(name = instance_name): string[] {
    const { view } = this.cluster.store;
    const instance = this.instance(name);
    const folder = this.cluster.folder(view.nodes.get(instance.primary_node)?.name ?? '');
    return view.disksOf(instance).map(({ dev_type, logical_id }) => {
      if (dev_type === 'plain') return join(folder, 'volumes', 'plain', ...logical_id.map(String));
      return join(folder, 'file-storage', String(logical_id[1]).split('/file-storage/')[1] ?? '');
    });
  }

  async data(name = instance_name): Promise<Buffer[]> {
    return Promise.all(this.paths(name).map((path) => readFile(path)));
  }

  /** What the scripts of the OS noted. */
  async notes(file: 'exported' | 'imported' | 'renamed'): Promise<string[]> {
    const path = join(this.osFolder, 'copy', file);
    const text = await readFile(path, 'utf8').catch(() => '');
    await rm(path, { force: true });
    return text.trim().split('\n').sort();
  }

  async remove(name = instance_name): Promise<void> {
    await this.cluster.done({ OP_ID: 'OP_INSTANCE_REMOVE', instance_name: name });
  }

  /** Runs an opcode that must succeed; answers it as it ended. */
  async op(input: OpInput): Promise<JobOp> {
    const { ops } = await this.cluster.done(input);
    return ops[0] as JobOp;
  }

  /** Runs an opcode that must fail with this code. */
  async fails(input: OpInput, code: string, message: RegExp): Promise<void> {
    const { ops, status } = await this.cluster.run(input);
    assert.equal(status, 'error');
    assert.equal(ops[0]?.failure?.code, code, ops[0]?.failure?.message);
    assert.match(ops[0]?.failure?.message ?? '', message);
  }
}

export const create = (over: Record<string, unknown> = {}): OpInput => ({
  OP_ID: 'OP_INSTANCE_CREATE',
  ...{ instance_name, mode: 'create', disk_template: 'file', os_type: 'copy', pnode: 'node1' },
  ...{ disks: [{ size: 4 }, { size: 8, name: 'data' }], nics: [{ ip: '192.0.2.7' }], start: true },
  ...over,
});

export const exportTo = (target_node: unknown, over: Record<string, unknown> = {}): OpInput => ({
  ...{ OP_ID: 'OP_BACKUP_EXPORT', instance_name, target_node },
  ...over,
});
