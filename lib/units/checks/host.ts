// Checks that a node can run an instance: bridges, hypervisor, memory, disks. They ask the node or read its facts and change nothing.

import { MerapiError } from '../../base/errors.ts';
import type { Disk } from '../../model/disk.ts';
import { checkHvForms } from '../../model/given-params.ts';
import type { Instance } from '../../model/instance.ts';
import type { Node } from '../../model/node.ts';
import type { NodeCaller } from '../../rpc/caller.ts';
import { isRunning, type RuntimeView } from '../../rpc/runtime.ts';
import { diskTarget } from '../../rpc/target.ts';
import type { InstanceTarget } from '../../rpc/types.ts';

/**
 * Checks that a node has the bridges of an instance's NICs, and that its hypervisor accepts the parameters. A running guest is not
 * touched.
 * @throws MerapiError environment_error, hypervisor, and what the calls throw
 */
export async function checkHost(nodes: NodeCaller, node: Node, target: InstanceTarget): Promise<void> {
  await checkBridges(nodes, node, target);
  await checkHypervisor(nodes, node, target);
}

/**
 * Checks that a node can run a guest with these parameters. A running guest is not touched.
 * @throws MerapiError hypervisor with the value that does not fit, or what the call throws
 */
export async function checkHypervisor(nodes: NodeCaller, node: Node, target: InstanceTarget): Promise<void> {
  if (target.hypervisor === 'fake') return; // it accepts everything
  checkHvForms(target.hypervisor, target.hvparams);
  await nodes.call(node, 'instance.check', { instance: target });
}

/** @throws MerapiError environment_error naming the bridges of the instance's NICs that the node does not have */
async function checkBridges(nodes: NodeCaller, node: Node, target: InstanceTarget): Promise<void> {
  const bridged = target.nics.filter((nic) => nic.nicparams.mode === 'bridged');
  const bridges = [...new Set(bridged.map((nic) => nic.nicparams.link))];
  if (bridges.length === 0) return;
  const { missing } = await nodes.call(node, 'network.bridges', { bridges });
  if (missing.length > 0)
    throw new MerapiError(
      'environment_error',
      `Node ${node.name} has no bridge ${missing.join(', ')}; create it there, or give the NIC another link`,
    );
}

/** @throws MerapiError wrong_input when the instance's hypervisor cannot use disks of these templates on the node */
export async function checkUsable(
  nodes: NodeCaller,
  node: Node,
  { hypervisor }: Instance,
  disks: readonly Disk[],
): Promise<void> {
  await nodes.call(node, 'disk.check', { disks: disks.map(diskTarget), hypervisor });
}

/** @throws MerapiError wrong_state when the instance runs or its admin state is `up` */
export function checkStopped(runtime: RuntimeView, instance: Instance): void {
  if (instance.admin_state !== 'up' && !isRunning(runtime, instance)) return;
  throw new MerapiError('wrong_state', `Instance ${instance.name} is not down; shut it down first`);
}

/**
 * Checks that a guest with this memory (MiB) can be started on the node.
 * @throws MerapiError insufficient_resources; environment_error when the node does not answer
 */
export function checkMemory(runtime: RuntimeView, node: Node, memory: number): void {
  const free = runtime.of(node.uuid)?.node.memory_free ?? null;
  if (free === null)
    throw new MerapiError(
      'environment_error',
      `Node ${node.name} does not answer, so its free memory is not known`,
    );
  if (free < memory)
    throw new MerapiError(
      'insufficient_resources',
      `Node ${node.name} has ${free} MiB of memory free; ${memory} MiB are needed, ${memory - free} more`,
    );
}
