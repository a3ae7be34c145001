// The conversion of an instance's disks to another template, while the instance is down: the data is copied on the primary node.

import { MerapiError } from '../../base/errors.ts';
import type { Disk } from '../../model/disk.ts';
import { checkOnline } from '../../model/find.ts';
import type { Instance } from '../../model/instance.ts';
import { type DiskNodes, diskNodesOf } from '../../model/mirror.ts';
import { changed } from '../../model/object.ts';
import { convertible, type DiskTemplate, templates } from '../../model/templates/index.ts';
import { newSecondary } from '../../placement/relocate.ts';
import { isRunning } from '../../rpc/runtime.ts';
import { diskTarget } from '../../rpc/target.ts';
import { put, remove } from '../../store/changes.ts';
import { checkUsable } from '../checks/host.ts';
import { checkDiskPolicy } from '../checks/spec.ts';
import type { Build, CheckContext, RunContext } from '../define.ts';
import { buildDisks, type DiskRequest, notEnabled, onNodes } from '../devices/disks.ts';
import { activateDisks, createDisks, deactivateDisks, removeDisks } from '../steps/disk-work.ts';
import { reserveMirrors, waitForSync } from '../steps/mirrors.ts';

/** The parameters of a request that belong to the conversion. */
export interface TemplateRequest {
  disk_template: DiskTemplate;
  ext_params: Record<string, unknown>;
  file_driver: string | null;
  file_storage_dir: string | null;
  remote_node: string | null;
  iallocator: string | null;
  ignore_ipolicy: boolean;
  wait_for_sync: boolean;
}

/** A conversion that has been checked: the disks before and after it, with the nodes that hold them. */
export interface TemplateChange {
  instance: Instance;
  template: DiskTemplate;
  old: readonly Disk[];
  fresh: readonly Disk[];
  from: DiskNodes;
  to: DiskNodes;
  waitForSync: boolean;
}

/** Checks that the disks of an instance can be converted. @throws MerapiError wrong_input, wrong_state, and as newSecondary(), checkUsable() */
export async function checkTemplateChange(
  context: CheckContext,
  instance: Instance,
  request: TemplateRequest,
): Promise<TemplateChange> {
  const { view, runtime, clock, random } = context;
  const { disk_template: template } = request;
  if (!view.cluster.enabled_disk_templates.includes(template))
    throw new MerapiError('wrong_state', notEnabled(view.cluster, template));
  const before = instance.disk_template;
  if (template === before)
    throw new MerapiError('wrong_input', `Instance ${instance.name} has the template ${template} already`);
  for (const each of [before, template])
    if (!convertible.includes(each))
      throw new MerapiError('wrong_input', `Disks cannot be converted from ${before} to ${template}`);
  if (isRunning(runtime, instance) || instance.admin_state === 'up')
    throw new MerapiError(
      'wrong_state',
      `Instance ${instance.name} is not down; shut it down before its disks are converted`,
    );
  const from = diskNodesOf(view, instance);
  for (const node of Object.values(from)) if (node) checkOnline(node);
  const old = view.disksOf(instance);
  const asked = buildDisks(
    view.cluster,
    old.map((disk) => requestFor(disk, request)),
    {
      instance,
      template,
      fileDriver: request.file_driver ?? 'loop',
      fileFolder: request.file_storage_dir,
      now: clock.seconds(),
      random,
    },
  );
  const isMirrored = templates[template].mirrored;
  if (!isMirrored && (request.remote_node !== null || request.iallocator !== null))
    throw new MerapiError(
      'wrong_input',
      `remote_node and iallocator belong to mirrored disks, not to ${template}`,
    );
  const to: DiskNodes = { primary: from.primary, secondary: null };
  if (isMirrored) to.secondary = await newSecondary(context, instance, asked, to, request);
  if (!request.ignore_ipolicy) checkDiskPolicy(view, to.primary, instance, asked);
  const fresh = onNodes(asked, to.primary.uuid, to.secondary?.uuid ?? null);
  await checkUsable(context.nodes, to.primary, instance, fresh);
  return { instance, template, old, fresh, from, to, waitForSync: request.wait_for_sync };
}

/** A request for the new disk that replaces this one: size, mode, name and spindles stay. */
function requestFor(disk: Disk, { disk_template, ext_params }: TemplateRequest): DiskRequest {
  const { size, mode, name, spindles } = disk;
  return {
    ...(templates[disk_template].takes === 'any' ? (ext_params as DiskRequest) : {}),
    ...{ size, mode },
    ...(name === null ? {} : { name }),
    ...(spindles === null ? {} : { spindles }),
  };
}

/**
 * Creates disks of the new template, copies the data to them, records them and removes the old disks. A failure before they are recorded
 * leaves everything as it was; after that what cannot be removed becomes a duty. It must be the last thing that a unit does, since an
 * undo cannot restore the old data.
 */
export async function convertTemplate(context: RunContext, change: TemplateChange): Promise<void> {
  const { instance, template, old, from, to } = change;
  const fresh = await reserveMirrors(context, change.fresh);
  const [sources, targets] = [old.map(diskTarget), fresh.map(diskTarget)];
  context.log(`Converting ${old.length} disk${old.length === 1 ? '' : 's'} to the template ${template}`);
  await createDisks(context, to, targets, 'new');
  await activateDisks(context, from, sources, { prefix: 'old' });
  await activateDisks(context, to, targets, { prefix: 'new' });
  for (const [index, source] of sources.entries()) {
    const target = targets[index];
    if (target) await context.call(`copy/${index}`, to.primary, 'disk.copy', { from: source, to: target });
  }
  if (change.waitForSync) await waitForSync(context, to.primary, fresh);
  await deactivateDisks(context, to, targets, { prefix: 'new', isFinal: true });
  await deactivateDisks(context, from, sources, { prefix: 'old', isFinal: true });
  const now = context.clock.seconds();
  await context.commit(
    'template',
    recorded(instance.uuid, template, old, fresh, now),
    restored(instance, old, fresh),
  );
  await removeDisks(context, from, sources, { prefix: 'old' });
}

/** The change that replaces the old disks by the new ones. */
function recorded(
  uuid: string,
  disk_template: DiskTemplate,
  old: readonly Disk[],
  fresh: readonly Disk[],
  now: number,
): Build {
  return (view) => {
    const instance = view.instances.get(uuid);
    if (!instance) return [];
    const disks = fresh.map((disk) => disk.uuid);
    return [
      ...fresh.map((disk) => put('disk', disk)),
      put('instance', changed(instance, { disk_template, disks }, now)),
      ...old.map((disk) => remove('disk', disk.uuid)),
    ];
  };
}

/** The undo of recorded(). */
function restored({ uuid, disk_template }: Instance, old: readonly Disk[], fresh: readonly Disk[]): Build {
  return (view) => {
    const instance = view.instances.get(uuid);
    return [
      ...old.map((disk) => put('disk', disk)),
      ...(instance
        ? [put('instance', { ...instance, disk_template, disks: old.map((disk) => disk.uuid) })]
        : []),
      ...fresh.map((disk) => remove('disk', disk.uuid)),
    ];
  };
}
