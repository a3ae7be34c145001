// A cluster of one node with the instance that the opcodes' examples name, to show what they lock.
import { systemWorld } from '../lib/base/world.ts';
import { ClusterSpec, firstObjects } from '../lib/manager/cluster-spec.ts';
import type { Instance } from '../lib/model/instance.ts';
import { ALL } from '../lib/model/locks.ts';
import { newObject } from '../lib/model/object.ts';
import { type Opcode, parseOp } from '../lib/opcodes/define.ts';
import { Snapshot } from '../lib/store/snapshot.ts';

const spec = ClusterSpec.parse({
  name: 'cluster.example.com',
  enabled_hypervisors: ['fake'],
  enabled_disk_templates: ['file', 'diskless'],
  nodes: [{ name: 'node1.example.com', primary_ip: '198.51.100.11' }],
});
const { cluster, group, master } = firstObjects(spec, systemWorld);
const instance: Instance = {
  ...newObject('example', 0),
  name: 'web1.example.com',
  primary_node: master.uuid,
  os: 'demo',
  hypervisor: 'fake',
  hvparams: {},
  beparams: {},
  osparams: {},
  osparams_private: null,
  admin_state: 'up',
  admin_state_source: 'admin',
  disk_template: 'diskless',
  disks: [],
  nics: [],
  network_port: null,
  tags: [],
};
const view = Snapshot.of([
  { kind: 'cluster', object: cluster },
  { kind: 'nodegroup', object: group },
  { kind: 'node', object: master },
  { kind: 'instance', object: instance },
]);

/** The locks of an opcode's example in words. */
export function lockPlanOf(opcode: Opcode): string {
  const values = parseOp(opcode, { OP_ID: opcode.id, ...opcode.example });
  const plan = opcode.locks(values as never, view);
  const wishes = plan.map(({ level, names, mode }) => {
    const which = names === ALL ? 'all' : names.join(', ');
    return `${level} \`${which}\` ${mode}`;
  });
  return wishes.join('; ') || 'none';
}
