import { MerapiError } from '../../base/errors.ts';
import type { Disk } from '../../model/disk.ts';
import type { Instance } from '../../model/instance.ts';
import type { Node } from '../../model/node.ts';
import { changed } from '../../model/object.ts';
import type { NodeCaller } from '../../rpc/caller.ts';
import type { RuntimeView } from '../../rpc/runtime.ts';
import type { InstanceTarget } from '../../rpc/types.ts';
import { put } from '../../store/changes.ts';
import type { Build } from '../define.ts';
import { checkHypervisor } from './hvparams.ts';
import { diskTarget } from './target.ts';

/**
 * Whether the instance runs on its primary node. While nothing is known of that node, as just after its worker has come back,
 * one that is meant to run does: who took it for stopped would leave it stopped where a job fails.
 */
export function isRunning(runtime: RuntimeView, instance: Instance): boolean {
  if (runtime.of(instance.primary_node) === null) return instance.admin_state === 'up';
  const guest = runtime.guest(instance.primary_node, instance.name);
  return guest !== undefined && guest.state !== 'stopped';
}

/**
 * Checks that a node has what a guest needs: its bridges, and a hypervisor that can take its parameters. Nothing is changed, and
 * a guest that runs is not touched.
 * @throws MerapiError environment_error, hypervisor
 */
export async function checkHost(nodes: NodeCaller, node: Node, target: InstanceTarget): Promise<void> {
  await checkBridges(nodes, node, target);
  await checkHypervisor(nodes, node, target);
}

/** @throws MerapiError wrong_input when the guest of an instance could not use such disks on the node */
export async function checkUsable(
  nodes: NodeCaller,
  node: Node,
  { hypervisor }: Instance,
  disks: readonly Disk[],
): Promise<void> {
  await nodes.call(node, 'disk.check', { disks: disks.map(diskTarget), hypervisor });
}

/** Tells in the job's log how long a guest that runs has to shut down, so that nobody wonders what the job waits for. */
export function tellShutdown(log: (text: string) => void, isRunning: boolean, seconds: number): void {
  if (isRunning && seconds > 0) log(`Waiting up to ${seconds} s for the guest to shut down`);
}

/** @throws MerapiError wrong_state when the instance runs or is meant to */
export function checkStopped(runtime: RuntimeView, instance: Instance): void {
  if (instance.admin_state !== 'up' && !isRunning(runtime, instance)) return;
  throw new MerapiError('wrong_state', `Instance ${instance.name} is not down; shut it down first`);
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
      `Node ${node.name} has no bridge ${missing.join(', ')}; make it there, or give the NIC another link`,
    );
}

/** @throws MerapiError insufficient_resources when a guest of this memory (MiB) cannot be started on the node */
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

/** The change that records how an instance is meant to be from now on. */
export function meantToBe(uuid: string, state: 'up' | 'down', source: 'admin' | 'user', now: number): Build {
  return (view) => {
    const instance = view.instances.get(uuid);
    if (!instance) return [];
    const isSo = instance.admin_state === state && instance.admin_state_source === source;
    if (isSo && !instance.disks_active) return [];
    const meant = { admin_state: state, admin_state_source: source, disks_active: undefined };
    return [put('instance', changed(instance, meant, now))];
  };
}

/** The change that records whether the disks of an instance that is down are in use; one that is up uses them anyway. */
export function disksActive(uuid: string, active: boolean, now: number): Build {
  return (view) => {
    const instance = view.instances.get(uuid);
    const isSo = instance?.admin_state === 'up' || (instance?.disks_active ?? false) === active;
    return !instance || isSo ? [] : [put('instance', changed(instance, { disks_active: active }, now))];
  };
}
