import { join } from 'node:path';
import { SYSTEM } from '../../../lib/access/principal.ts';
import { TestCluster } from '../../helpers/cluster.ts';
import { demoGuest } from '../../helpers/demo.ts';
import { eventually } from '../../helpers/program.ts';

export const instance_name = 'agent.example.com';
const never = new AbortController().signal;

/** A cluster with one real guest, whose agent answers. */
export async function realGuest(): Promise<TestCluster> {
  const cluster = await TestCluster.start(['host'], [], {
    enabled_hypervisors: ['kvm'],
    os_search_path: [join(await demoGuest(), 'os')],
    hvparams: {
      kvm: { kvm_path: '/usr/bin/qemu-system-x86_64', kernel_path: '', machine_version: 'pc,accel=tcg' },
    },
  });
  await cluster.done({
    OP_ID: 'OP_INSTANCE_CREATE',
    ...{ instance_name, mode: 'create', disk_template: 'file', disks: [{ size: 128 }] },
    ...{ nics: [], os_type: 'demo', beparams: { memory: 128, vcpus: 2 } },
  });
  await eventually('the agent answers', async () => {
    const found = await cluster.manager.guestStanding(SYSTEM, instance_name, never).catch(() => null);
    return found?.version ?? null;
  });
  return cluster;
}

/** Removes the guest and ends the cluster. */
export async function endGuest(cluster: TestCluster): Promise<void> {
  await cluster.run({
    OP_ID: 'OP_INSTANCE_REMOVE',
    instance_name,
    ignore_failures: true,
    shutdown_timeout: 0,
  });
  await cluster.close();
}
