import type { EndState } from '../state.ts';
import { type Check, type Finding, isSame } from './finding.ts';
import { type ExpectedInstance, expectedOf } from './model.ts';

const instances: Check = {
  name: 'the instances are what the jobs have made of them',
  find: (state) => {
    const expected = expectedOf(state).instances;
    const stored = state.objects.instances.map(({ name }) => name);
    return [
      ...[...expected]
        .filter(([name]) => !stored.includes(name))
        .map(([name, { job }]) => ({ text: `${name}, made by job ${job}, is gone`, subjects: [name] })),
      ...stored
        .filter((name) => !expected.has(name))
        .map((name) => ({ text: `${name} should not be there`, subjects: [name] })),
      ...[...expected].flatMap(([name, each]) => wrong(state, name, each)),
    ];
  },
};

function wrong({ objects }: EndState, name: string, expected: ExpectedInstance): Finding[] {
  const instance = objects.instances.find((each) => each.name === name);
  if (!instance) return [];
  const sizes = instance.disks.map((uuid) => objects.disks.find((disk) => disk.uuid === uuid)?.size);
  const node = objects.nodes.find(({ uuid }) => uuid === instance.primary_node)?.name;
  const pairs: [string, unknown, unknown][] = [
    ['state', instance.admin_state, expected.isUp ? 'up' : 'down'],
    ['sizes of disks', sizes, expected.sizes],
    ['tags', [...instance.tags].sort(), expected.tags && [...expected.tags].sort()],
    ['number of NICs', instance.nics.length, expected.nics],
    ['number of virtual CPUs', instance.beparams.vcpus, expected.vcpus],
    ['node', node, expected.node],
  ];
  return pairs
    .filter(([, is, wanted]) => wanted !== null && !isSame(is, wanted))
    .map(([what, is, wanted]) => ({
      text: `${name}: the ${what} should be ${JSON.stringify(wanted)}, not ${JSON.stringify(is)}`,
      subjects: [name, instance.uuid],
    }));
}

const others: Check = {
  name: 'groups, networks and tags are what the jobs have made of them',
  find: (state) => {
    const expected = expectedOf(state);
    const { groups, networks, nodes, cluster } = state.objects;
    const names = (list: readonly { name: string }[]) => list.map(({ name }) => name);
    const groupName = (uuid: string) => groups.find((group) => group.uuid === uuid)?.name;
    return [
      ...unlike('group', names(groups), expected.groups),
      ...unlike('network', names(networks), expected.networks),
      ...unlike('tag of the cluster', cluster.tags, expected.clusterTags),
      ...nodes
        .filter(({ name, group }) => groupName(group) !== (expected.groupOf.get(name) ?? 'default'))
        .map(({ name, group }) => ({
          text: `${name} is in group ${groupName(group)}, not ${expected.groupOf.get(name) ?? 'default'}`,
          subjects: [name],
        })),
      ...nodes
        .filter(({ name, drained }) => drained !== (expected.drained.get(name) ?? drained))
        .map(({ name, drained }) => ({
          text: `${name} is ${drained ? '' : 'not '}drained`,
          subjects: [name],
        })),
      ...networks.flatMap(({ name, reservations }) =>
        [...expected.reserved]
          .map(([key, is]) => ({
            address: key.slice(name.length + 1),
            is,
            isOwn: key.startsWith(`${name}/`),
          }))
          .filter(({ address, is, isOwn }) => isOwn && reservations.includes(address) !== is)
          .map(({ address, is }) => ({
            text: `${address} of ${name} is ${is ? 'not ' : ''}reserved`,
            subjects: [name],
          })),
      ),
    ];
  },
};

function unlike(what: string, list: readonly string[], wanted: ReadonlySet<string>): Finding[] {
  return [
    ...[...wanted]
      .filter((name) => !list.includes(name))
      .map((name) => ({ text: `The ${what} ${name} is gone`, subjects: [name] })),
    ...list
      .filter((name) => !wanted.has(name))
      .map((name) => ({ text: `There is a ${what} ${name}`, subjects: [name] })),
  ];
}

const exported: Check = {
  name: 'exports are where the jobs have put them',
  find: (state) => {
    const expected = expectedOf(state).exports;
    const found = Object.entries(state.nodes).flatMap(([node, { exports }]) =>
      Object.keys(exports).map((name) => ({ name, node })),
    );
    return [
      ...[...expected]
        .filter(([name, node]) => !found.some((each) => each.name === name && each.node === node))
        .map(([name, node]) => misplaced(`The export of ${name} is not on ${node}`, name)),
      ...found
        .filter(({ name, node }) => expected.get(name) !== node)
        .map(({ name, node }) => misplaced(`An export of ${name} is on ${node}`, name)),
    ];
  },
};

/** A failed removal may have removed it; one that failed to be removed elsewhere is told in the log. */
function misplaced(text: string, name: string): Finding {
  return { text, subjects: [name], excuse: { failed: ['OP_BACKUP_REMOVE', 'OP_BACKUP_EXPORT'] } };
}

/** What must be true after what the clients asked for. */
export const modelChecks: readonly Check[] = [instances, others, exported];
