import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Disk } from '../../lib/model/disk.ts';
import type { Instance } from '../../lib/model/instance.ts';
import { compareNames } from '../../lib/model/names.ts';
import type { Node } from '../../lib/model/node.ts';
import type { NodeGroup } from '../../lib/model/nodegroup.ts';
import { type ObjectChange, put, remove } from '../../lib/store/changes.ts';
import { Snapshot } from '../../lib/store/snapshot.ts';
import { aCluster, aDisk, aGroup, aNic, aNode, anInstance } from '../helpers/view.ts';

const groups = ['red', 'green', 'blue'];
const nodes = ['n1', 'n2', 'n10', 'n11'];
const instances = ['i1', 'i2', 'i3', 'i10', 'i20'];

/** What the snapshot must hold, as plain maps. */
interface Plain {
  groups: Map<string, NodeGroup>;
  nodes: Map<string, Node>;
  instances: Map<string, Instance>;
  disks: Map<string, Disk>;
}

/** A change; MAC addresses are never in use twice, but may go from one instance to another within the same changes. */
const step = fc.oneof(
  fc.record({ kind: fc.constant('group' as const), at: fc.nat(2), gone: fc.boolean() }),
  fc.record({ kind: fc.constant('node' as const), at: fc.nat(3), group: fc.nat(2), gone: fc.boolean() }),
  fc.record({
    kind: fc.constant('instance' as const),
    at: fc.nat(4),
    node: fc.nat(3),
    macs: fc.uniqueArray(fc.nat(6), { maxLength: 3 }),
    port: fc.option(fc.nat(3)),
    gone: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('disk' as const),
    at: fc.nat(3),
    port: fc.option(fc.nat(3)),
    gone: fc.boolean(),
  }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Addresses are in one of two networks, or in none. */
const networkOf = (number: number) => ['net0', 'net1', null][number % 3] ?? null;
const ipOf = (number: number) => `192.0.2.${number}`;
const macOf = (number: number) => `aa:00:00:00:00:0${number}`;
const portOf = (number: number | null) => (number === null ? null : 11_000 + number);
/** A mirrored disk with this port, or another one. */
const mirrorAt = (port: number | null): Partial<Disk> =>
  port === null ? {} : { dev_type: 'drbd', logical_id: ['n1-uuid', 'n2-uuid', 11_000 + port, 0, 0, 's'] };
const pick = (names: readonly string[], at: number) => names[at] as string;

function changesOf(plain: Plain, step: Step): ObjectChange[] {
  switch (step.kind) {
    case 'group': {
      const group = aGroup({ name: pick(groups, step.at) });
      if (step.gone) {
        plain.groups.delete(group.uuid);
        return [remove('nodegroup', group.uuid)];
      }
      plain.groups.set(group.uuid, group);
      return [put('nodegroup', group)];
    }
    case 'node': {
      const node = aNode(pick(nodes, step.at), { group: `${pick(groups, step.group)}-uuid` });
      if (step.gone) {
        plain.nodes.delete(node.uuid);
        return [remove('node', node.uuid)];
      }
      plain.nodes.set(node.uuid, node);
      return [put('node', node)];
    }
    case 'disk': {
      const disk = aDisk(`d${step.at}`, mirrorAt(step.port));
      if (step.gone) {
        plain.disks.delete(disk.uuid);
        return [remove('disk', disk.uuid)];
      }
      plain.disks.set(disk.uuid, disk);
      return [put('disk', disk)];
    }
    case 'instance':
      return instanceChanges(plain, step);
  }
}

function instanceChanges(plain: Plain, step: Extract<Step, { kind: 'instance' }>): ObjectChange[] {
  const nics = step.macs.map((number) =>
    aNic(`nic${number}`, { mac: macOf(number), ip: ipOf(number), network: networkOf(number) }),
  );
  const instance = anInstance(pick(instances, step.at), {
    primary_node: `${pick(nodes, step.node)}-uuid`,
    nics,
    network_port: portOf(step.port),
    disks: ['d0', 'd3'],
  });
  if (step.gone) {
    plain.instances.delete(instance.uuid);
    return [remove('instance', instance.uuid)];
  }
  // Whoever has one of the addresses gives it up, in a change that comes after the one that takes it.
  const changes: ObjectChange[] = [put('instance', instance)];
  for (const other of plain.instances.values()) {
    const kept = other.nics.filter((nic) => !nics.some(({ mac }) => mac === nic.mac));
    if (other.uuid === instance.uuid || kept.length === other.nics.length) continue;
    plain.instances.set(other.uuid, { ...other, nics: kept });
    changes.push(put('instance', { ...other, nics: kept }));
  }
  plain.instances.set(instance.uuid, instance);
  return changes;
}

const sorted = <T extends { name: string }>(objects: Iterable<T>): T[] =>
  [...objects].sort((a, b) => compareNames(a.name, b.name));

/** All that a snapshot tells, by its indexes. */
function told(snapshot: Snapshot): unknown {
  return {
    groups: snapshot.groups.list(),
    nodes: snapshot.nodes.list(),
    instances: snapshot.instances.list(),
    instancesOn: nodes.map((name) => snapshot.instancesOn(`${name}-uuid`)),
    nodesOf: groups.map((name) => snapshot.nodesOf(`${name}-uuid`)),
    macOwners: [0, 1, 2, 3, 4, 5, 6].map((mac) => snapshot.macOwner(macOf(mac))),
    instancesIn: ['net0', 'net1'].map((network) => snapshot.instancesIn(network)),
    addresses: ['net0', 'net1'].map((network) =>
      [0, 1, 2, 3, 4, 5, 6].map((number) => snapshot.addressesIn(network).get(ipOf(number))),
    ),
    addressCounts: ['net0', 'net1'].map((network) => snapshot.addressesIn(network).size),
    portUsers: [0, 1, 2, 3].map((number) => [...snapshot.portUsers(11_000 + number)].sort()),
    disks: [0, 1, 2, 3].map((number) => snapshot.disk(`d${number}`)),
    disksOf: snapshot.instances.list().map((instance) => snapshot.disksOf(instance)),
  };
}

function naive(plain: Plain): unknown {
  const all = sorted(plain.instances.values());
  return {
    groups: sorted(plain.groups.values()),
    nodes: sorted(plain.nodes.values()),
    instances: all,
    instancesOn: nodes.map((name) => all.filter((each) => each.primary_node === `${name}-uuid`)),
    nodesOf: groups.map((name) =>
      sorted(plain.nodes.values()).filter((each) => each.group === `${name}-uuid`),
    ),
    macOwners: [0, 1, 2, 3, 4, 5, 6].map(
      (mac) => all.find((each) => each.nics.some((nic) => nic.mac === macOf(mac)))?.uuid,
    ),
    instancesIn: ['net0', 'net1'].map((network) =>
      all.filter((each) => each.nics.some((nic) => nic.network === network)),
    ),
    addresses: ['net0', 'net1'].map((network) =>
      [0, 1, 2, 3, 4, 5, 6].map(
        (number) =>
          all.find((each) => each.nics.some((nic) => nic.network === network && nic.ip === ipOf(number)))
            ?.uuid,
      ),
    ),
    addressCounts: ['net0', 'net1'].map(
      (network) => all.flatMap((each) => each.nics).filter((nic) => nic.network === network).length,
    ),
    portUsers: [0, 1, 2, 3].map((number) => {
      const port = 11_000 + number;
      const consoles = all.filter((each) => each.network_port === port);
      const mirrors = [...plain.disks.values()].filter((disk) => disk.logical_id[2] === port);
      return [...consoles, ...mirrors].map(({ uuid }) => uuid).sort();
    }),
    disks: [0, 1, 2, 3].map((number) => plain.disks.get(`d${number}`)),
    disksOf: all.map((each) => each.disks.flatMap((uuid) => plain.disks.get(uuid) ?? [])),
  };
}

const nothing = (): Plain => ({
  groups: new Map(),
  nodes: new Map(),
  instances: new Map(),
  disks: new Map(),
});

describe('snapshot', () => {
  it('has indexes that agree with its objects after any changes, and old ones stay as they were', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(step, { maxLength: 4, size: 'max' }), { maxLength: 25, size: 'max' }),
        (commits) => {
          const plain = nothing();
          let snapshot = Snapshot.of([]);
          const earlier: { snapshot: Snapshot; told: unknown }[] = [];
          for (const steps of commits) {
            snapshot = snapshot.after(steps.flatMap((each) => changesOf(plain, each)));
            const wanted = naive(plain);
            assert.deepEqual(told(snapshot), wanted);
            earlier.push({ snapshot, told: wanted });
          }
          for (const { snapshot, told: wanted } of earlier) assert.deepEqual(told(snapshot), wanted);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('made of objects is the same as made by changes', () => {
    const objects = [
      { kind: 'nodegroup' as const, object: aGroup() },
      { kind: 'instance' as const, object: anInstance('web', { nics: [aNic('nic')] }) },
      { kind: 'node' as const, object: aNode('node1') },
      { kind: 'cluster' as const, object: aCluster() },
      { kind: 'disk' as const, object: aDisk('d0') },
    ];
    const made = Snapshot.of(objects);
    assert.deepEqual(made.cluster, aCluster());
    assert.equal(made.macOwner('aa:00:00:00:00:01'), 'web-uuid');
    assert.deepEqual(made.instancesOn('node1-uuid'), [anInstance('web', { nics: [aNic('nic')] })]);
    assert.deepEqual(made.nodesOf('default-uuid'), [aNode('node1')]);
  });

  it('has a version that grows with changes and with nothing else', () => {
    const first = Snapshot.of([]);
    assert.equal(first.after([]), first);
    const second = first.after([put('node', aNode('node1'))]);
    assert.ok(second.version > first.version);
    assert.ok(second.after([remove('node', 'node1-uuid')]).version > second.version);
  });

  it('tells the object that a change meets', () => {
    const snapshot = Snapshot.of([{ kind: 'cluster', object: aCluster() }])
      .after([put('node', aNode('node1')), put('nodegroup', aGroup())])
      .after([put('instance', anInstance('web')), put('disk', aDisk('d0'))]);
    assert.deepEqual(snapshot.before(put('node', aNode('node1', { offline: true }))), aNode('node1'));
    assert.deepEqual(snapshot.before(remove('nodegroup', 'default-uuid')), aGroup());
    assert.deepEqual(snapshot.before(remove('instance', 'web-uuid')), anInstance('web'));
    assert.deepEqual(snapshot.before(remove('disk', 'd0')), aDisk('d0'));
    assert.deepEqual(snapshot.before(put('cluster', aCluster({ tags: ['a'] }))), aCluster());
    assert.equal(snapshot.before(remove('node', 'other')), undefined);
  });

  it('is not initialised as long as there is no cluster', () => {
    const snapshot = Snapshot.of([]);
    assert.equal(snapshot.initialised, false);
    assert.throws(() => snapshot.cluster, { code: 'unavailable' });
    assert.equal(snapshot.after([put('cluster', aCluster())]).initialised, true);
  });
});
