// Changes of an instance's own values: primary node, hypervisor, backend and OS parameters, OS, admin state. Each function below works
// out one of them into `patch` and appends the entries of the job's result to `told`, whose order is Ganeti's.

import { MerapiError } from '../../base/errors.ts';
import { type BeParams, beParamKinds } from '../../model/beparams.ts';
import { DEFAULT_VALUE, type ParamValues } from '../../model/enforce.ts';
import { fillBeParams } from '../../model/fill.ts';
import { nodeNamed, primaryOf } from '../../model/find.ts';
import { checkHvForms, checkOfHypervisor, pick, updatedValues } from '../../model/given-params.ts';
import { clusterOnlyHvParams, hypervisorParams } from '../../model/hvparams/index.ts';
import type { Instance } from '../../model/instance.ts';
import type { ValuesOf } from '../../opcodes/define.ts';
import type { instanceSetParams as opcode } from '../../opcodes/instance/set-params.ts';
import { isRunning } from '../../rpc/runtime.ts';
import { instanceTarget } from '../../rpc/target.ts';
import { checkHypervisor } from '../checks/host.ts';
import { checkOs, openPrivate, sealedParams } from '../checks/os.ts';
import { checkChangedPolicy } from '../checks/spec.ts';
import type { CheckContext } from '../define.ts';
import { targetOf } from '../steps/relocation.ts';

export type Request = ValuesOf<typeof opcode>;

/** The changes of an instance's own values, and the entries of the job's result for them. */
export interface ValueChanges {
  patch: Partial<Instance>;
  told: [string, unknown][];
}

/** Works out the changes of everything but devices and runtime memory. @throws MerapiError */
export async function changeValues(
  context: CheckContext,
  instance: Instance,
  params: Request,
): Promise<ValueChanges> {
  const changes: ValueChanges = { patch: {}, told: [] };
  checkState(context, instance, params);
  await movePrimary(context, instance, params, changes);
  changeHypervisor(instance, params, changes);
  changeBackend(context, instance, params, changes);
  await checkNode(context, instance, params, changes);
  await changeOs(context, instance, params, changes);
  changeState(instance, params, changes);
  return changes;
}

/** The primary node after the request; nothing is moved, only recorded. @throws MerapiError wrong_state, and as targetOf() */
async function movePrimary(
  context: CheckContext,
  instance: Instance,
  params: Request,
  { patch }: ValueChanges,
): Promise<void> {
  if (params.pnode === null) return;
  const node = nodeNamed(context.view, params.pnode);
  context.resolve({ pnode: node.name, pnode_uuid: node.uuid });
  if (node.uuid === instance.primary_node) return;
  if (isRunning(context.runtime, instance) && !params.force)
    throw new MerapiError(
      'wrong_state',
      `Instance ${instance.name} runs on its primary node; migrate it, or give force`,
    );
  patch.primary_node = (await targetOf(context, instance, node, null, params.ignore_ipolicy)).uuid;
}

function changeHypervisor(instance: Instance, { hvparams }: Request, { patch, told }: ValueChanges): void {
  const given = Object.entries(hvparams);
  if (given.length === 0) return;
  checkOfHypervisor(instance.hypervisor, hvparams);
  const names = given.map(([name]) => name);
  const clusterOnly = names.filter((name) => clusterOnlyHvParams.includes(name));
  if (clusterOnly.length > 0)
    throw new MerapiError(
      'wrong_input',
      `Only the cluster can set ${clusterOnly.join(', ')}, not an instance`,
    );
  patch.hvparams = updatedValues(instance.hvparams, hvparams, hypervisorParams[instance.hypervisor].kinds);
  checkHvForms(instance.hypervisor, pick(patch.hvparams, names));
  told.push(...given.map(([name, value]): [string, unknown] => [`hv/${name}`, value]));
}

/** Lets the node check new hypervisor parameters, unless it does not answer or the request has force. */
async function checkNode(
  { view, runtime, nodes, log }: CheckContext,
  instance: Instance,
  params: Request,
  { patch }: ValueChanges,
): Promise<void> {
  if (!patch.hvparams || params.force) return;
  const node = view.nodes.get(patch.primary_node ?? instance.primary_node);
  if (!node || node.offline || runtime.of(node.uuid) === null)
    return log('The node does not answer, so the new hypervisor parameters are not checked there');
  const target = instanceTarget(view, { ...instance, ...patch }, view.disksOf(instance));
  await checkHypervisor(nodes, node, target);
}

function changeBackend(
  context: CheckContext,
  instance: Instance,
  params: Request,
  { patch, told }: ValueChanges,
): void {
  const given = Object.entries(params.beparams);
  if (given.length === 0) return;
  const { memory, ...rest } = params.beparams;
  const both = memory === undefined ? {} : { minmem: memory, maxmem: memory };
  // Only for backend parameters null, too, removes a value, so that it is inherited again.
  const wanted = Object.entries({ ...both, ...rest }).map(([name, value]) => [name, value ?? DEFAULT_VALUE]);
  const own = updatedValues(instance.beparams as ParamValues, Object.fromEntries(wanted), beParamKinds);
  patch.beparams = own as Partial<BeParams>;
  const filled = fillBeParams(context.view.cluster, patch.beparams);
  for (const name of ['minmem', 'maxmem', 'vcpus'] as const)
    if (filled[name] < 1)
      throw new MerapiError('wrong_input', `${name} must be at least 1, not ${filled[name]}`);
  if (filled.minmem > filled.maxmem)
    context.log(
      `minmem (${filled.minmem} MiB) is more than maxmem (${filled.maxmem} MiB); the instance gets maxmem`,
    );
  if (!params.ignore_ipolicy)
    checkChangedPolicy(context.view, instance, { ...instance, beparams: patch.beparams });
  told.push(...given.map(([name, value]): [string, unknown] => [`be/${name}`, value]));
}

async function changeOs(
  { view, nodes, seal, log }: CheckContext,
  instance: Instance,
  params: Request,
  { patch, told }: ValueChanges,
): Promise<void> {
  const { os_name, osparams, osparams_private } = params;
  if (os_name !== null) {
    patch.os = os_name;
    if (os_name !== instance.os) log(`The OS is only recorded as ${os_name}: nothing is installed`);
  }
  const given = Object.entries(osparams);
  if (given.length === 0 && osparams_private === null) return;
  const os = os_name ?? instance.os;
  const own = merged(instance.osparams, osparams);
  const secret = merged(openPrivate(seal, instance.osparams_private), osparams_private ?? {});
  const all = { ...own, ...secret };
  if (os !== '')
    await checkOs(view, nodes, primaryOf(view, instance), os, {
      forceVariant: params.force_variant,
      params: all,
    });
  patch.osparams = own;
  patch.osparams_private = sealedParams(seal, secret);
  told.push(...given.map(([name, value]): [string, unknown] => [`os/${name}`, value]));
  told.push(
    ...Object.keys(osparams_private ?? {}).map((name): [string, unknown] => [
      `os_private/${name}`,
      '<redacted>',
    ]),
  );
}

/** OS parameters after a change. Their types are not known to Merapi; "default" and null remove one. */
function merged(before: ParamValues, given: ParamValues): ParamValues {
  const all = Object.entries({ ...before, ...given });
  return Object.fromEntries(all.filter(([, value]) => value !== DEFAULT_VALUE && value !== null));
}

/** Checks that an instance whose admin state `offline` is set or cleared is down. @throws MerapiError wrong_state */
function checkState({ runtime }: CheckContext, instance: Instance, { offline }: Request): void {
  if (offline === null) return;
  if (instance.admin_state !== 'up' && !(offline && isRunning(runtime, instance))) return;
  const text = offline
    ? `Instance ${instance.name} is not down; shut it down before it is marked offline`
    : `The admin state of instance ${instance.name} is up, not offline; offline=false is only for an instance that is down`;
  throw new MerapiError('wrong_state', text);
}

function changeState(instance: Instance, { offline }: Request, { patch, told }: ValueChanges): void {
  if (offline) patch.admin_state = 'offline';
  else if (offline === false && instance.admin_state === 'offline') patch.admin_state = 'down';
  if (patch.admin_state) told.push(['admin_state', patch.admin_state]);
}
