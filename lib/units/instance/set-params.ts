// OP_INSTANCE_SET_PARAMS: changes an instance. Values are worked out in set-params-values.ts, disks in set-params-disks.ts, NICs in
// set-params-nics.ts, the disk template in set-params-template.ts, devices of a running guest in set-params-hotplug.ts.
//
// Order in run: the memory of the running guest; new disks; the record (early, as a step of its own, if the guest must see the change or
// addresses come from a pool; otherwise with the end of the opcode); the devices of the running guest; last the removal of disks, which
// has no undo. A change of the disk template is a path of its own.

import { MerapiError } from '../../base/errors.ts';
import type { Json } from '../../base/json.ts';
import type { Disk } from '../../model/disk.ts';
import { fillBeParams } from '../../model/fill.ts';
import { checkOnline, instanceNamed, primaryOf } from '../../model/find.ts';
import type { Instance } from '../../model/instance.ts';
import { changed } from '../../model/object.ts';
import { templates } from '../../model/templates/index.ts';
import { instanceSetParams as opcode } from '../../opcodes/instance/set-params.ts';
import { isRunning } from '../../rpc/runtime.ts';
import { diskTarget, instanceTarget } from '../../rpc/target.ts';
import { put, remove } from '../../store/changes.ts';
import { checkUsable } from '../checks/host.ts';
import { checkDiskPolicy } from '../checks/spec.ts';
import { type Build, type CheckContext, defineUnit } from '../define.ts';
import { placeNics, usesPool } from '../devices/nic-addresses.ts';
import { changeHooks } from '../hooks/hooks.ts';
import { activateDisks, withoutOffline } from '../steps/disk-work.ts';
import { waitForSync } from '../steps/mirrors.ts';
import { stepsOf } from './device-changes.ts';
import { showDiskSteps, shownDiskStep } from './disk-requests.ts';
import {
  changeDisks,
  checkAttached,
  type DiskChanges,
  deactivateLost,
  diskRecords,
  dropDisks,
  makeDisks,
  templateOf,
} from './set-params-disks.ts';
import { hotplugActions, runHotplug } from './set-params-hotplug.ts';
import {
  changeNics,
  listed,
  nicStepsOf,
  showNicSteps,
  shownNicStep,
  withAddresses,
} from './set-params-nics.ts';
import { checkTemplateChange, convertTemplate } from './set-params-template.ts';
import { changeValues, type Request } from './set-params-values.ts';

/** The parameters of which a request must give at least one. */
const changes = [
  'nics',
  'disks',
  'beparams',
  'hvparams',
  'osparams',
  'osparams_private',
  'disk_template',
  'os_name',
  'runtime_mem',
  'offline',
  'pnode',
] as const;

/** Whether a parameter is given: neither null nor an empty list or dictionary. */
const isGiven = (value: unknown) =>
  typeof value === 'object' && value !== null ? Object.keys(value).length > 0 : value !== null;

export const instanceSetParams = defineUnit(opcode, {
  version: 2, // 1: the changes of NICs were no fact
  async check(context, params) {
    const { view, resolve, runtime } = context;
    const [diskSteps, nicSteps] = [stepsOf(params.disks, 'disk'), nicStepsOf(params.nics)];
    if (params.disks.length > 0) resolve({ disks: tuples(diskSteps.map(shownDiskStep)) });
    checkRequest(params);
    if (params.disk_template !== null && templates[params.disk_template].fileBased)
      resolve({ file_driver: params.file_driver ?? 'loop' });
    if (params.nics.length > 0) showNicSteps(nicSteps, (shown) => resolve({ nics: tuples(shown) }));
    const instance = instanceNamed(view, params.instance_name);
    resolve({ instance_name: instance.name, instance_uuid: instance.uuid });
    const node = primaryOf(view, instance);
    const running = isRunning(runtime, instance);
    const memory = params.runtime_mem === null ? null : checkMemory(context, instance, params.runtime_mem);
    const newDiskTemplate = diskSteps.some(({ op }) => op === 'add') ? templateOf(view, instance) : null;
    if (params.disks.length > 0)
      showDiskSteps(diskSteps, newDiskTemplate, (shown) => resolve({ disks: shown }));
    const disks = params.disks.length > 0 ? changeDisks(context, instance, diskSteps) : null;
    if (disks) {
      checkNodes(context, disks, params, instance);
      await checkAttached(context, disks);
      if (disks.added.length > 0) await checkUsable(context.nodes, node, instance, disks.added);
    }
    const template =
      params.disk_template === null
        ? null
        : await checkTemplateChange(context, instance, { ...params, disk_template: params.disk_template });
    if (template?.to.secondary && params.remote_node !== null)
      resolve({ remote_node: template.to.secondary.name, remote_node_uuid: template.to.secondary.uuid });
    const nics =
      params.nics.length > 0
        ? await changeNics(context, instance, node, nicSteps, params.conflicts_check)
        : null;
    const { patch, told } = await changeValues(context, instance, params);
    if (nics) {
      resolve({ nics: tuples(nics.changes.map(({ step }) => shownNicStep(step))) });
      patch.nics = nics.nics;
    }
    if (newDiskTemplate !== null && templates[newDiskTemplate].fileBased)
      resolve({ file_driver: params.file_driver ?? 'loop' });
    const before: [string, unknown][] = [
      ...(memory === null ? [] : [['runtime_memory', memory] as [string, unknown]]),
      ...(disks?.told ?? []),
      ...(template ? [['disk_template', template.template] as [string, unknown]] : []),
    ];
    const old = view.disksOf(instance);
    const target = instanceTarget(view, instance, old);
    const had = runtime.guest(node.uuid, instance)?.memory ?? target.beparams.maxmem;
    if (running) logDeferredChanges(context, params, old, disks);
    const wires = running ? hotplugActions(view, instance, params, { disks, nics: nics?.nics ?? null }) : [];
    const result = { before, nics: nics?.changes ?? [], after: told };
    return { instance, node, target, memory, had, old, disks, wires, template, patch, result };
  },

  hooks: (view, { instance, memory, patch, disks }) =>
    changeHooks(
      view,
      { ...instance, ...patch },
      disks?.disks ?? null,
      memory === null ? {} : { RUNTIME_MEMORY: memory },
    ),

  async run(
    context,
    { instance, node, target, memory, had, old, disks, wires, template, patch, result },
    params,
  ) {
    if (memory !== null)
      await context.call('memory', node, 'instance.memory', { instance: target, memory }, [
        { call: 'instance.memory', params: { instance: target, memory: had } },
      ]);
    if (template) {
      // Nothing may fail once the old disks are removed, so all other changes are recorded before.
      const others = recorded(instance, patch, null, null, context.clock.seconds());
      await context.commit('record', others, () => [put('instance', instance)]);
      await convertTemplate(context, template);
      return { result: [...result.before, ...result.nics.flatMap(listed), ...result.after] };
    }
    const made = disks ? await makeDisks(context, instance, disks) : null;
    const now = context.clock.seconds();
    const record = {
      ...patch,
      ...(made ? { disks: made.map((disk) => disk.uuid) } : {}),
      ...(made?.[0] ? { disk_template: made[0].dev_type } : {}),
    };
    const records = recorded(instance, record, disks, made, now);
    const pooled = usesPool(patch.nics ?? []);
    const isEarly = wires.length > 0 || pooled;
    if (isEarly) await context.commit('record', records, restored(instance, old, disks));
    const nics = pooled
      ? await context.step('addresses', ({ view }) => view.instances.get(instance.uuid)?.nics ?? [])
      : [];
    if (disks && made && wires.length > 0) {
      const added = made.filter(({ uuid }) => !old.some((disk) => disk.uuid === uuid));
      await activateDisks(context, disks.nodes, added.map(diskTarget), { prefix: 'new' });
      if (params.wait_for_sync) await waitForSync(context, node, added);
    }
    const hotplugged = await runHotplug(context, node, target, wires);
    if (disks && wires.length > 0) await deactivateLost(context, disks);
    // Removed data cannot be restored, so this comes last.
    if (disks) await dropDisks(context, disks);
    const nicChanges = withAddresses(result.nics, nics);
    return {
      result: [...result.before, ...nicChanges.flatMap(listed), ...result.after, ...hotplugged],
      ...(pooled
        ? { shown: () => ({ nics: tuples(nicChanges.map(({ step }) => shownNicStep(step))) }) }
        : {}),
      ...(isEarly ? {} : { changes: records }),
    };
  },
});

/** The changes of the instance and, where disks change, of these; pool addresses of NICs are assigned here. */
function recorded(
  { uuid }: Instance,
  patch: Partial<Instance>,
  disks: DiskChanges | null,
  made: Awaited<ReturnType<typeof makeDisks>> | null,
  now: number,
): Build {
  return (view) => {
    const instance = view.instances.get(uuid);
    if (!instance) return [];
    const nics = patch.nics ? { nics: placeNics(view, patch.nics, uuid) } : {};
    return [
      ...(disks && made ? diskRecords(made, disks, now)(view) : []),
      put('instance', changed(instance, { ...patch, ...nics }, now)),
    ];
  };
}

/** The undo of recorded(): the instance and its disks as they were. */
function restored(instance: Instance, old: readonly Disk[], changes: DiskChanges | null): Build {
  return () => [
    put('instance', instance),
    ...[...old, ...(changes?.attached ?? [])].map((disk) => put('disk', disk)),
    ...(changes?.added ?? []).map((disk) => remove('disk', disk.uuid)),
  ];
}

/** Logs which changes a running guest gets only at its next start. */
function logDeferredChanges(
  { log }: CheckContext,
  { beparams, hvparams }: Request,
  old: readonly Disk[],
  changes: DiskChanges | null,
): void {
  const modes = new Map(old.map(({ uuid, mode }) => [uuid, mode]));
  const differs = changes?.disks.some(({ uuid, mode }) => (modes.get(uuid) ?? mode) !== mode);
  const later = [
    ...(isGiven(beparams) ? ['backend parameters'] : []),
    ...(isGiven(hvparams) ? ['hypervisor parameters'] : []),
    ...(differs ? ['modes of disks'] : []),
  ];
  if (later.length > 0) log(`The new ${later.join(' and ')} take effect at the next start of the guest`);
}

/** Changes of devices as the opcode has them: lists of three items. */
function tuples(steps: readonly { op: string; which: number | string; params: object }[]): Json {
  return steps.map(({ op, which, params }) => [op, which, params as Json]);
}

/** @throws MerapiError wrong_input when nothing is to be changed, or for what is not supported */
function checkRequest(params: Request): void {
  if (params.instance_communication)
    throw new MerapiError('wrong_input', 'instance_communication is not supported; leave it out');
  if (!changes.some((name) => isGiven(params[name])))
    throw new MerapiError('wrong_input', `Nothing is to be changed; give one of ${changes.join(', ')}`);
  if (params.disk_template !== null && params.disks.length > 0)
    throw new MerapiError(
      'wrong_input',
      'disks and disk_template cannot be changed together; send two requests',
    );
}

/**
 * Checks the nodes on which disks change, and the instance policy; takes an offline secondary node out of `changes.nodes`.
 * @throws MerapiError wrong_state when a node that gets disks is offline, wrong_input for the policy
 */
function checkNodes(
  { view, log }: CheckContext,
  changes: DiskChanges,
  params: Request,
  instance: Instance,
): void {
  const { primary, secondary } = changes.nodes;
  checkOnline(primary);
  if (secondary && changes.added.length + changes.attached.length > 0) checkOnline(secondary);
  changes.nodes = withoutOffline(changes.nodes, log);
  if (!params.ignore_ipolicy) checkDiskPolicy(view, primary, instance, changes.disks);
}

/**
 * Checks the new memory (MiB) of a running instance and returns it.
 * @throws MerapiError wrong_state, wrong_input, insufficient_resources
 */
function checkMemory({ view, runtime }: CheckContext, instance: Instance, memory: number): number {
  if (!isRunning(runtime, instance))
    throw new MerapiError(
      'wrong_state',
      `Instance ${instance.name} does not run, so it has no memory to change`,
    );
  const { minmem, maxmem } = fillBeParams(view.cluster, instance.beparams);
  if (memory < minmem || memory > maxmem)
    throw new MerapiError(
      'wrong_input',
      `The memory of ${instance.name} can be ${minmem} to ${maxmem} MiB, not ${memory}`,
    );
  const has = runtime.guest(instance.primary_node, instance)?.memory ?? 0;
  const free = runtime.of(instance.primary_node)?.node.memory_free ?? 0;
  if (memory - has > free)
    throw new MerapiError(
      'insufficient_resources',
      `The node has ${free} MiB of memory free; ${memory - has} MiB are needed, ${memory - has - free} more`,
    );
  return memory;
}
