import type { Disk } from '../../../model/disk.ts';
import type { Instance } from '../../../model/instance.ts';
import { MirrorId } from '../../../model/mirror.ts';
import { templates } from '../../../model/templates/index.ts';

import { kindNames, type SoundObjects } from './objects.ts';
import { type Findings, RESTORE } from './problem.ts';

/**
 * Checks the references between objects (the cluster's master node, groups of nodes, nodes and disks of instances, instances of disks,
 * networks of groups) and that names are unique. Objects that are not valid in themselves count as missing.
 */
export function checkReferences(objects: SoundObjects, findings: Findings): void {
  checkCluster(objects, findings);
  for (const kind of ['node', 'nodegroup', 'instance', 'network'] as const)
    checkUnique(
      [...objects[kind].values()].map(({ uuid, name }) => [name, `${kindNames[kind]} ${name} (${uuid})`]),
      (name, other) => `has the name ${name} of the ${other}`,
      findings,
    );
  for (const { name, group } of objects.node.values())
    if (!objects.nodegroup.has(group)) missing(findings, `node ${name}`, 'its node group', group);
  for (const { name, networks } of objects.nodegroup.values())
    for (const uuid of Object.keys(networks))
      if (!objects.network.has(uuid)) missing(findings, `node group ${name}`, 'its network', uuid);
  for (const instance of objects.instance.values()) checkInstance(objects, instance, findings);
  for (const disk of objects.disk.values()) checkDisk(objects, disk, findings);
  checkMirrors(objects, findings);
}

/** Checks that no two entries have the same key; `message` describes the conflict with another entry. */
export function checkUnique(
  entries: readonly (readonly [key: string, about: string])[],
  message: (key: string, other: string) => string,
  findings: Findings,
): void {
  const owners = new Map<string, string>();
  for (const [key, about] of entries) {
    const other = owners.get(key);
    if (other !== undefined) findings.add('reference', about, message(key, other), RESTORE);
    else owners.set(key, about);
  }
}

function missing(findings: Findings, about: string, what: string, uuid: string): void {
  findings.add('reference', about, `${what} ${uuid} does not exist`);
}

function checkCluster({ cluster, node }: SoundObjects, findings: Findings): void {
  const [first] = cluster.values();
  if (cluster.size !== 1)
    findings.add('reference', 'the cluster', `exists ${cluster.size} times, and must exist once`);
  if (first && !node.has(first.master_node))
    missing(findings, `cluster ${first.name}`, 'its master node', first.master_node);
}

function checkInstance({ node, disk }: SoundObjects, instance: Instance, findings: Findings): void {
  const about = `instance ${instance.name}`;
  if (!node.has(instance.primary_node)) missing(findings, about, 'its primary node', instance.primary_node);
  if (new Set(instance.disks).size < instance.disks.length)
    findings.add('reference', about, 'has one disk twice');
  for (const uuid of instance.disks) {
    const found = disk.get(uuid);
    if (!found) missing(findings, about, 'its disk', uuid);
    else if (found.instance !== instance.uuid)
      findings.add('reference', about, `has the disk ${uuid}, whose instance is ${found.instance ?? 'none'}`);
  }
}

function checkDisk({ node, instance }: SoundObjects, disk: Disk, findings: Findings): void {
  const about = `disk ${disk.uuid}`;
  const owner = disk.instance === null ? null : instance.get(disk.instance);
  if (owner === undefined) missing(findings, about, 'its instance', disk.instance ?? '');
  else if (owner !== null && !owner.disks.includes(disk.uuid))
    findings.add('reference', about, `belongs to instance ${owner.name}, which does not have it`);
  const mirror = mirrorOf(disk);
  if (mirror === undefined)
    findings.add('object', about, 'is mirrored, but its logical id does not name the nodes');
  if (!mirror) return;
  const [a, b] = mirror;
  for (const uuid of [a, b]) if (!node.has(uuid)) missing(findings, about, 'its node', uuid);
  if (a === b) findings.add('reference', about, `is mirrored from node ${a} to itself`);
  if (owner && owner.primary_node !== a && owner.primary_node !== b)
    findings.add('reference', about, `has no side on the primary node of instance ${owner.name}`);
}

/** The logical id of a mirrored disk; null for other disks, undefined when it is not valid. */
function mirrorOf(disk: Disk): MirrorId | null | undefined {
  return templates[disk.dev_type].mirrored ? MirrorId.safeParse(disk.logical_id).data : null;
}

/** Checks that no two mirrored disks have the same minor number or port on one node. */
function checkMirrors({ disk: disks, node: nodes }: SoundObjects, findings: Findings): void {
  const numbers: [string, string][] = [];
  for (const disk of disks.values()) {
    const mirror = mirrorOf(disk);
    if (!mirror) continue;
    const [a, b, port, minorA, minorB] = mirror;
    for (const [uuid, minor] of [
      [a, minorA],
      [b, minorB],
    ] as const) {
      const node = nodes.get(uuid)?.name ?? uuid;
      numbers.push([`port ${port} on node ${node}`, `disk ${disk.uuid}`]);
      numbers.push([`number ${minor} on node ${node}`, `disk ${disk.uuid}`]);
    }
  }
  checkUnique(numbers, (what, other) => `uses ${what}, as ${other} does`, findings);
}
