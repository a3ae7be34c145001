// What a change of the cluster needs: hypervisors on the nodes, and storage settings for the disk templates.

import { MerapiError } from '../../base/errors.ts';
import type { Cluster } from '../../model/cluster.ts';
import type { HypervisorName } from '../../model/hvparams/index.ts';
import { templates } from '../../model/templates/index.ts';
import type { ClusterView } from '../../model/view.ts';
import type { CheckContext } from '../define.ts';

/**
 * Asks all nodes that are vm_capable and not offline whether they have these hypervisors.
 * @throws MerapiError execution for the first node that does not have one of them, or does not answer
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

/**
 * Checks that a change leaves the settings which disk templates depend on.
 * @throws MerapiError wrong_input when an enabled template lacks a setting, wrong_state when a setting is emptied that disks use
 */
export function checkStorage(view: ClusterView, patch: Partial<Cluster>): void {
  const after = { ...view.cluster, ...patch };
  for (const template of after.enabled_disk_templates) {
    const missing = templates[template].needs.find((setting) => !after[setting]);
    if (missing && (missing in patch || patch.enabled_disk_templates))
      throw new MerapiError('wrong_input', `The disk template ${template} is enabled and needs ${missing}`);
  }
  if (!Object.values(patch).includes(null)) return;
  for (const instance of view.instances.list()) {
    for (const { dev_type } of view.disksOf(instance)) {
      const emptied = templates[dev_type].uses.find((setting) => patch[setting] === null);
      if (emptied)
        throw new MerapiError(
          'wrong_state',
          `${emptied} cannot be emptied: instance ${instance.name} has disks of the template ${dev_type}`,
        );
    }
  }
}
