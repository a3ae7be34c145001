import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { stoppedInstanceStarter } from '../../lib/app/stopping.ts';
import { MerapiError } from '../../lib/base/errors.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { systemWorld } from '../../lib/base/world.ts';
import { put } from '../../lib/store/changes.ts';
import { TestCluster } from '../helpers/cluster.ts';
import { eventually } from '../helpers/program.ts';

const name = 'web.example.com';

describe('instances that were stopped with the master', () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await TestCluster.start(['node1']);
    await cluster.done({
      ...{ OP_ID: 'OP_INSTANCE_CREATE', instance_name: name, mode: 'create', os_type: 'noop' },
      ...{ disk_template: 'diskless', disks: [], nics: [], pnode: 'node1' },
    });
  });
  after(() => cluster.close());

  const guest = () => {
    const instance = cluster.store.view.instances.named(name) ?? assert.fail();
    return cluster.runtime.guest(instance.primary_node, instance);
  };

  /** Lets the first start fail as the error says, and waits until nothing is left to start. Returns how often a start was tried. */
  async function startAfter(error: MerapiError): Promise<number> {
    await cluster.done({ OP_ID: 'OP_INSTANCE_SHUTDOWN', instance_name: name, no_remember: true });
    let starts = 0;
    cluster.gate.call = async (call, make) => {
      if (call === 'instance.start' && ++starts === 1) throw error;
      return make();
    };
    await cluster.store.commit({ job: null }, (view) => {
      const stopped = view.instances.list().map(({ uuid }) => uuid);
      return [put('cluster', { ...view.cluster, stopped_instances: stopped })];
    });
    const starter = stoppedInstanceStarter(cluster, { log: silentLogger, clock: systemWorld.clock });
    await starter.start();
    await eventually('nothing is left to start', async () => {
      const { stopped_instances } = cluster.store.view.cluster;
      return stopped_instances.length === 0 || null;
    });
    await starter.stop();
    cluster.gate.call = undefined;
    return starts;
  }

  it('are started again when the node could not be reached the first time', async () => {
    assert.equal(await startAfter(new MerapiError('node_unreachable', 'Node node1 cannot be reached')), 2);
    assert.equal(guest()?.state, 'running');
  });

  it('stay down when the node cannot run them', async () => {
    assert.equal(await startAfter(new MerapiError('hypervisor', 'it does not start')), 1);
    assert.equal(guest(), undefined);
  });
});
