// OP_REPAIR_NODE_STORAGE: repairs a volume group that has lost a physical volume. What was on that volume is lost, so mirrored disks
// must have current data on their other node (unless ignore_consistency).

import { MerapiError } from '../../base/errors.ts';
import type { Disk } from '../../model/disk.ts';
import { nodeNamed } from '../../model/find.ts';
import { listable } from '../../model/listed-storage.ts';
import { mirrorNodes } from '../../model/mirror.ts';
import type { Node } from '../../model/node.ts';
import { repairNodeStorage as opcode } from '../../opcodes/repair/node-storage.ts';
import { diskTarget } from '../../rpc/target.ts';
import { type CheckContext, defineUnit } from '../define.ts';

export const repairNodeStorage = defineUnit(opcode, {
  async check(context, params) {
    const { view, resolve } = context;
    const node = nodeNamed(view, params.node_name);
    resolve({ node_name: node.name, node_uuid: node.uuid });
    if (params.storage_type !== 'lvm-vg')
      throw new MerapiError(
        'wrong_input',
        `Storage of type '${params.storage_type}' cannot be repaired; only lvm-vg can`,
      );
    if (params.name === null)
      throw new MerapiError('wrong_input', 'name is missing: give the name of the volume group');
    const type = listable(view, params.storage_type);
    if (!params.ignore_consistency) await checkElsewhere(context, node);
    return { node, type, name: params.name };
  },

  async run(context, { node, type, name }) {
    await context.call('repair', node, 'storage.repair', { type, name });
    return { result: null };
  },
});

/** @throws MerapiError wrong_state when the other node of an active mirrored disk does not have current data */
async function checkElsewhere({ view, nodes }: CheckContext, node: Node): Promise<void> {
  const byNode = new Map<string, Disk[]>();
  for (const disk of view.mirrorsOn(node.uuid)) {
    const other = mirrorNodes(disk)?.find((uuid) => uuid !== node.uuid) ?? '';
    byNode.set(other, [...(byNode.get(other) ?? []), disk]);
  }
  for (const [uuid, mirrored] of byNode) {
    const other = view.nodes.get(uuid);
    if (!other) continue;
    const { disks } = await nodes.call(other, 'disk.status', { disks: mirrored.map(diskTarget) });
    const stale = mirrored.filter((_, index) => {
      const status = disks[index];
      return status?.active && status.mirror?.current !== true;
    });
    if (stale.length > 0)
      throw new MerapiError(
        'wrong_state',
        `Node ${other.name} does not have the current data of disk ${stale.map((disk) => disk.uuid).join(', ')}; give ignore_consistency to repair anyway`,
      );
  }
}
