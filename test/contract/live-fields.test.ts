import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FieldTable } from '../../lib/query/define.ts';
import { type ResourceName, resources } from '../../lib/query/resources.ts';
import { type GuestOwner, RuntimeTable } from '../../lib/rpc/runtime.ts';
import type { GuestFacts, RuntimeFacts } from '../../lib/rpc/types.ts';
import type { JobSource, NodeSource } from '../../lib/views/define.ts';
import { runQuery } from '../../lib/views/registry.ts';
import { aJob, anOp } from '../helpers/jobs.ts';
import { aGuest, aNetwork, aNode, anInstance, someFacts, viewOf } from '../helpers/view.ts';

const view = viewOf({
  nodes: [aNode('node1'), aNode('node2'), aNode('node3', { offline: true })],
  instances: [
    anInstance('inst1', { hypervisor: 'kvm' }),
    anInstance('inst2', { hypervisor: 'kvm', admin_state: 'down' }),
    anInstance('inst3', { hypervisor: 'fake', primary_node: 'node2-uuid' }),
    anInstance('inst4', { hypervisor: 'kvm', primary_node: 'node3-uuid' }),
  ],
  networks: [aNetwork('net1')],
  filters: [{ uuid: 'f1', watermark: 0, priority: 0, predicates: [], action: 'ACCEPT', reason_trail: [] }],
});
const jobs: JobSource = {
  get: async () => null,
  all: () => [aJob(1, [anOp({ OP_ID: 'OP_TAGS_GET' })])],
  locks: () => [{ level: 'cluster', name: 'BGL', mode: 'shared', owners: [], pending: [] }],
};
const nodes: NodeSource = {
  operatingSystems: async () => [
    { name: 'os1', valid: true, nodes: {}, variants: [], parameters: [], api_versions: [], trusted: false },
  ],
  exports: async () => [{ node: 'node1.example.com', instance: 'inst1.example.com' }],
};

/** Facts of nodes that know how often they were asked for. */
class WatchedTable extends RuntimeTable {
  asked = 0;

  override of(node: string): RuntimeFacts | null {
    this.asked++;
    return super.of(node);
  }

  override guest(node: string, instance: GuestOwner): GuestFacts | undefined {
    this.asked++;
    return super.guest(node, instance);
  }
}

function withFacts(): WatchedTable {
  const runtime = new WatchedTable();
  const guest = aGuest('inst1', { hypervisor: 'kvm' });
  runtime.update('node1-uuid', someFacts([guest], { spindles_total: 2, spindles_free: 1 }));
  runtime.update('node2-uuid', someFacts([aGuest('inst3')]));
  return runtime;
}

async function cells(resource: string, field: string, runtime: RuntimeTable): Promise<unknown[]> {
  const { data } = await runQuery(resource, [field], null, { view, whole: view, runtime }, jobs, nodes);
  assert.ok(data.length > 0, `no ${resource} is read`);
  return data;
}

describe('fields that are declared live', () => {
  for (const name of Object.keys(resources) as ResourceName[])
    it(`are those whose values come from the facts of nodes: ${name}`, async () => {
      const table: FieldTable = resources[name];
      const declared = [...table].filter(([, { live }]) => live === true).map(([field]) => field);
      const asking: string[] = [];
      const differing: string[] = [];
      for (const field of table.keys()) {
        const runtime = withFacts();
        const known = await cells(name, field, runtime);
        if (runtime.asked > 0) asking.push(field);
        const unknown = await cells(name, field, new RuntimeTable());
        if (JSON.stringify(known) !== JSON.stringify(unknown)) differing.push(field);
      }
      assert.deepEqual(asking, declared, 'fields that ask for facts');
      assert.deepEqual(differing, declared, 'fields that differ without facts');
    });

  it('are some', () => {
    const count = Object.values(resources).flatMap((table: FieldTable) =>
      [...table.values()].filter(({ live }) => live),
    ).length;
    assert.ok(count >= 17, `${count}`);
  });
});
