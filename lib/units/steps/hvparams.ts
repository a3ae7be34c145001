import { MerapiError } from '../../base/errors.ts';
import type { ParamValues } from '../../model/enforce.ts';
import { misfit } from '../../model/hvparams/forms.ts';
import { type HypervisorName, hypervisorParams } from '../../model/hvparams/index.ts';
import type { Node } from '../../model/node.ts';
import type { NodeCaller } from '../../rpc/caller.ts';
import type { InstanceTarget } from '../../rpc/types.ts';

/** @throws MerapiError hypervisor naming the first value that the hypervisor could not take anywhere */
export function checkHvForms(hypervisor: HypervisorName, values: ParamValues): void {
  const problem = misfit(values, hypervisorParams[hypervisor].forms ?? {});
  if (problem !== null) throw new MerapiError('hypervisor', problem);
}

/** The values with these names, as far as there are any. */
export function pick(values: ParamValues, names: readonly string[]): ParamValues {
  return Object.fromEntries(Object.entries(values).filter(([name]) => names.includes(name)));
}

/**
 * Checks that a node can run a guest with these parameters, without touching a guest that runs.
 * @throws MerapiError hypervisor with what does not fit, or what the call says
 */
export async function checkHypervisor(nodes: NodeCaller, node: Node, target: InstanceTarget): Promise<void> {
  if (target.hypervisor === 'fake') return; // it takes everything
  checkHvForms(target.hypervisor, target.hvparams);
  await nodes.call(node, 'instance.check', { instance: target });
}
