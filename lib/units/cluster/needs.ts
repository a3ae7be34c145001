import { MerapiError } from '../../base/errors.ts';
import type { Cluster } from '../../model/cluster.ts';
import type { HypervisorName } from '../../model/hvparams/index.ts';
import type { ClusterView } from '../../model/view.ts';
import type { CheckContext } from '../define.ts';

/**
 * Asks the nodes that may hold instances whether they run these hypervisors.
 * @throws MerapiError execution for the first node that does not, or does not answer
 */
export async function checkNodesRun(
  { view, nodes }: CheckContext,
  wanted: readonly HypervisorName[],
): Promise<void> {
  const asked = view.nodes.list().filter((node) => node.vm_capable && !node.offline);
  const answers = await nodes.callAll(asked, 'node.hello', {});
  for (const { uuid, name } of asked) {
    const answer = answers.get(uuid);
    if (!answer || 'failure' in answer)
      throw new MerapiError(
        'execution',
        `Node ${name} cannot be asked for its hypervisors: ${answer?.failure.message ?? 'no answer'}; mark it offline if it is down`,
      );
    const has = answer.result.hypervisors;
    const missing = wanted.filter((hypervisor) => !has.includes(hypervisor));
    if (missing.length > 0)
      throw new MerapiError(
        'execution',
        `Node ${name} does not run ${missing.join(', ')}; it runs ${has.join(', ')}`,
      );
  }
}

/** What disk templates need of the cluster. */
const needs = [
  { setting: 'file_storage_dir', templates: ['file'] },
  { setting: 'shared_file_storage_dir', templates: ['sharedfile'] },
  { setting: 'gluster_storage_dir', templates: ['gluster'] },
] as const;

/** What instances with these templates need: it cannot be taken away while there are some. */
const inUse = [
  { setting: 'vg_name', templates: ['plain', 'drbd'] },
  { setting: 'drbd_helper', templates: ['drbd'] },
] as const;

/** @throws MerapiError wrong_input, wrong_state when a change takes away what the templates of the cluster need */
export function checkStorage(view: ClusterView, patch: Partial<Cluster>): void {
  const after = { ...view.cluster, ...patch };
  for (const { setting, templates } of needs) {
    const enabled = templates.find((template) => after.enabled_disk_templates.includes(template));
    if (enabled && !after[setting] && (setting in patch || patch.enabled_disk_templates))
      throw new MerapiError('wrong_input', `The disk template ${enabled} is enabled and needs ${setting}`);
  }
  for (const { setting, templates } of inUse) {
    if (patch[setting] !== null) continue;
    for (const instance of view.instances.list()) {
      const disk = view.disksOf(instance).find(({ dev_type }) => templates.includes(dev_type as never));
      if (disk)
        throw new MerapiError(
          'wrong_state',
          `${setting} cannot be emptied: instance ${instance.name} has disks of the template ${disk.dev_type}`,
        );
    }
  }
}
