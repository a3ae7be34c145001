import { MerapiError } from '../../base/errors.ts';
import type { Disk } from '../../model/disk.ts';
import type { Node } from '../../model/node.ts';
import { templates } from '../../model/templates/index.ts';
import { diskTarget } from '../../rpc/target.ts';
import type { CheckContext } from '../define.ts';

/**
 * The disks of a new instance that adopt existing data, with the sizes (MiB) that the data has on the node.
 * @throws MerapiError wrong_input for data that does not exist, is smaller than requested, or belongs to another disk
 */
export async function adopted(
  { view, nodes }: CheckContext,
  node: Node,
  disks: readonly Disk[],
): Promise<Disk[]> {
  const keyOf = ({ dev_type, logical_id }: Disk) => JSON.stringify([dev_type, logical_id]);
  const owners = new Map<string, string>();
  for (const instance of view.instances.list()) {
    const isElsewhere = !templates[instance.disk_template].shared && instance.primary_node !== node.uuid;
    if (!isElsewhere) for (const disk of view.disksOf(instance)) owners.set(keyOf(disk), instance.name);
  }
  const found = await nodes.call(node, 'disk.status', { disks: disks.map(diskTarget) });
  return disks.map((disk, index) => {
    const what = `Disk ${index}: ${disk.logical_id.join('/')}`;
    const owner = owners.get(keyOf(disk));
    if (owner !== undefined) throw new MerapiError('wrong_input', `${what} belongs to ${owner} already`);
    owners.set(keyOf(disk), 'another disk of this request');
    const size = found.disks[index]?.size ?? null;
    if (size === null) throw new MerapiError('wrong_input', `${what} does not exist on node ${node.name}`);
    if (size < disk.size)
      throw new MerapiError(
        'wrong_input',
        `${what} has ${size} MiB on ${node.name}; ${disk.size} MiB were requested`,
      );
    return { ...disk, size };
  });
}
