// A program that adds a disk template which nobody has heard of, as a file and two lines of registries would, and lets instances live with it.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MerapiError } from '../../../lib/base/errors.ts';
import type { OpInput } from '../../../lib/model/job.ts';
import { defineTemplate } from '../../../lib/model/templates/define.ts';
import { type DiskTemplate, templates } from '../../../lib/model/templates/registry.ts';
import type { StorageDriver } from '../../../lib/node/storage/define.ts';
import { PathStorage } from '../../../lib/node/storage/path-storage.ts';
import {
  copyRaw,
  createRaw,
  emptyRaw,
  growRaw,
  removeRaw,
  sizeOfRaw,
} from '../../../lib/node/storage/raw.ts';
import type { DiskTarget } from '../../../lib/rpc/types.ts';

const NAME = 'tape' as DiskTemplate; // which the compiler cannot know
const common = await mkdtemp(join(tmpdir(), 'merapi-tape-'));
/** What the driver of each node was asked, in order. */
const deeds: string[] = [];

/** Data that all nodes reach, each once it has activated it. */
class Tape extends PathStorage implements StorageDriver {
  readonly template = NAME;
  readonly simulated = false;
  readonly #node: string;
  readonly #active = new Set<string>();

  constructor(node: string) {
    super();
    this.#node = node;
  }

  async create(disk: DiskTarget): Promise<void> {
    await createRaw(this.#path(disk), disk.size);
  }

  async empty(disk: DiskTarget): Promise<void> {
    await emptyRaw(this.#path(disk), disk.size);
  }

  async grow(disk: DiskTarget, size: number): Promise<void> {
    await growRaw(this.#path(disk), size);
  }

  async activate(disk: DiskTarget): Promise<void> {
    deeds.push(`activate ${this.#node}`);
    this.#active.add(disk.uuid);
  }

  async deactivate(disk: DiskTarget): Promise<void> {
    deeds.push(`deactivate ${this.#node}`);
    this.#active.delete(disk.uuid);
  }

  async remove(disk: DiskTarget): Promise<void> {
    this.#active.delete(disk.uuid);
    await removeRaw(this.#path(disk));
  }

  async snapshot(disk: DiskTarget, copy: DiskTarget): Promise<void> {
    deeds.push(`snapshot ${this.#node}`);
    await createRaw(this.#path(copy), copy.size);
    await copyRaw(this.#path(disk), this.#path(copy));
    this.#active.add(copy.uuid);
  }

  async status(disk: DiskTarget) {
    const path = this.#path(disk);
    const size = await sizeOfRaw(path);
    return { path, exists: size !== null, size, active: this.#active.has(disk.uuid), mirror: null };
  }

  #path({ logical_id: [reel] }: DiskTarget): string {
    if (typeof reel !== 'string' || !/^[\w.-]+$/.test(reel))
      throw new MerapiError('wrong_input', `There is no reel ${reel}`);
    return join(common, reel);
  }
}

// The lines of the registries. What is made from them is imported after this.
Object.assign(templates, {
  [NAME]: defineTemplate({
    shared: true,
    activated: true,
    storage: ['ext'],
    takes: ['reel'],
    hookNames: ['REEL', 'SIDE'],
    params: { speed: 4 },
    logicalId: ({ uuid }) => [`${uuid}.reel`],
    snapshotPlace: (_place, uuid) => ({ dev_type: NAME, logical_id: [`${uuid}.snap`] }),
  }),
});
const { drivers } = await import('../../../lib/node/storage/registry.ts');
let nodes = 0;
Object.assign(drivers, { [NAME]: () => new Tape(`node${++nodes}`) });

const { TestCluster } = await import('../../helpers/cluster.ts');
const { SYSTEM } = await import('../../../lib/access/principal.ts');
const cluster = await TestCluster.start(['node1', 'node2'], [], {
  enabled_disk_templates: [NAME, 'diskless'],
});
try {
  const instance_name = 'web.example.com';
  const done = async (op: OpInput): Promise<string[]> => {
    await cluster.done({ instance_name, ...op });
    return deeds.splice(0);
  };
  await done({
    ...{ OP_ID: 'OP_INSTANCE_CREATE', mode: 'create', disk_template: NAME, disks: [{ size: 4 }], nics: [] },
    ...{ pnode: 'node1', no_install: true },
  });
  const started = await done({ OP_ID: 'OP_INSTANCE_STARTUP' });
  assert.deepEqual(started, ['activate node1'], 'what a guest uses is activated');
  assert.equal((await readdir(common)).length, 1);
  assert.deepEqual(await done({ OP_ID: 'OP_INSTANCE_MIGRATE', target_node: 'node2' }), [
    'activate node2',
    'deactivate node1',
  ]);
  const failedOver = await done({ OP_ID: 'OP_INSTANCE_FAILOVER', target_node: 'node1' });
  assert.deepEqual(failedOver, ['deactivate node2', 'activate node1']);
  const exported = await done({ OP_ID: 'OP_BACKUP_EXPORT', mode: 'local', target_node: 'node2' });
  assert.deepEqual(exported.slice(-1), ['snapshot node1'], 'the driver makes snapshots by itself');
  assert.deepEqual(await done({ OP_ID: 'OP_INSTANCE_SHUTDOWN', timeout: 0 }), ['deactivate node1']);
  assert.deepEqual(await done({ OP_ID: 'OP_INSTANCE_GROW_DISK', disk: 0, amount: 4 }), []);
  const { data } = await cluster.manager.query(SYSTEM, 'instance', ['disk_template', 'disk.sizes'], null);
  assert.deepEqual(
    data[0]?.map(([, value]) => value),
    [NAME, [8]],
  );
  assert.deepEqual(cluster.store.view.cluster.diskparams[NAME], { speed: 4 });
  await assert.rejects(done({ OP_ID: 'OP_INSTANCE_MOVE', target_node: 'node2' }), /not copied between nodes/);
  await done({ OP_ID: 'OP_INSTANCE_REMOVE' });
  assert.deepEqual(await readdir(common), [], 'nothing is left');
  process.stdout.write('it lives\n');
} finally {
  await cluster.close();
  await rm(common, { recursive: true });
}
