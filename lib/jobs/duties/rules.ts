import type { Duty, DutyCall } from '../../model/duty.ts';
import type { Instance } from '../../model/instance.ts';
import { mirrorNodes } from '../../model/mirror.ts';
import { templates } from '../../model/templates/index.ts';
import type { ClusterView } from '../../model/view.ts';
import type { CallName, ParamsOf } from '../../rpc/registry.ts';
import { diskTarget, instanceTarget } from '../../rpc/target.ts';
import type { DiskTarget, InstanceTarget } from '../../rpc/types.ts';
import {
  isOn,
  isSamePlace,
  isUsedOn,
  knownToRun,
  ownerOf,
  type Place,
  userOf,
  usesDisks,
} from './disk-use.ts';

/** Why nothing is to be done any more, in words. */
type Void = { void: string };

/** What a call of a duty comes to now: its parameters, or why it is void. */
export type Judgement = { params: unknown } | Void;

/**
 * How a call is a duty: what it is about, its parameters without secrets, and what of it is still right. A duty must never destroy
 * or change what the cluster uses: the judgement is made from the cluster's state, under the locks of the objects.
 */
interface Rule<N extends CallName> {
  about(params: ParamsOf<N>): string;
  stored(params: ParamsOf<N>): ParamsOf<N>;
  judge(params: ParamsOf<N>, place: Place): { params: ParamsOf<N> } | Void;
}

const isVoid = (text: string): Void => ({ void: text });

/** A mirror's secret stands last in its logical id; nodes find a mirror by its uuid. */
function bareDisk(disk: DiskTarget): DiskTarget {
  if (!templates[disk.dev_type].mirrored) return disk;
  return { ...disk, logical_id: [...disk.logical_id.slice(0, 5), ''] };
}

function bareInstance(instance: InstanceTarget): InstanceTarget {
  return { ...instance, disks: instance.disks.map(bareDisk) };
}

const aboutDisk = ({ disk }: { disk: DiskTarget }) => `disk ${disk.uuid}`;
const aboutInstance = ({ instance }: { instance: InstanceTarget }) => `instance ${instance.uuid}`;
const storedDisk = <P extends { disk: DiskTarget }>(params: P): P => ({
  ...params,
  disk: bareDisk(params.disk),
});
const storedInstance = <P extends { instance: InstanceTarget }>(params: P): P => ({
  ...params,
  instance: bareInstance(params.instance),
});

/** The instance, if its primary node is this one and it has not changed its identity. */
function instanceOn({ view, node }: Place, { uuid }: { uuid: string }): Instance | Void {
  const instance = view.instances.get(uuid);
  return instance?.primary_node === node ? instance : isVoid('the instance is not on this node any more');
}

/** The instance, if it is on this node and is meant to run. */
function instanceToRun(place: Place, instance: { uuid: string }): Instance | Void {
  const now = instanceOn(place, instance);
  const isUp = 'void' in now || now.admin_state === 'up';
  return isUp ? now : isVoid(`the instance is to be ${now.admin_state} now`);
}

/** The instance that has its guest, under this name or uuid, on this node. */
function guestHere({ view, node }: Place, { uuid, name }: InstanceTarget): Instance | null {
  const found = [view.instances.get(uuid), view.instances.named(name)];
  return found.find((instance) => instance?.primary_node === node) ?? null;
}

const targetNow = (view: ClusterView, instance: Instance) =>
  instanceTarget(view, instance, view.disksOf(instance));

const hasDevice = ({ disks, nics }: InstanceTarget, device: string) =>
  [...disks, ...nics].some(({ uuid }) => uuid === device);

const same = <P>(params: P) => ({ params });
const unchanged = <P>(params: P): P => params;

const rules: { readonly [N in CallName]?: Rule<N> } = {
  'disk.remove': {
    about: aboutDisk,
    stored: storedDisk,
    judge(params, place) {
      const owner = ownerOf(place, params.disk);
      return owner ? isVoid(`the data belongs to disk ${owner.uuid} of the cluster`) : same(params);
    },
  },
  'disk.create': {
    about: aboutDisk,
    stored: storedDisk,
    judge({ disk, instance_name }, { view, node }) {
      const now = view.disk(disk.uuid);
      if (!now) return isVoid('the disk is gone');
      if (!mirrorNodes(now)?.includes(node)) return isVoid('the node has no side of the disk any more');
      return same({ disk: diskTarget(now), instance_name });
    },
  },
  'disk.activate': {
    about: aboutDisk,
    stored: storedDisk,
    judge({ disk }, place) {
      const now = place.view.disk(disk.uuid);
      const user = now && userOf(place.view, now);
      if (!now || !user) return isVoid('the disk is of no instance any more');
      if (!isUsedOn(place, now, user)) return isVoid('the node has no part in the disk any more');
      if (!usesDisks(place, user)) return isVoid(`${user.name} does not use its disks now`);
      return same({ disk: diskTarget(now), primary: user.primary_node === place.node });
    },
  },
  'disk.deactivate': {
    about: aboutDisk,
    stored: storedDisk,
    judge(params, place) {
      const now = place.view.disk(params.disk.uuid);
      const user = now && userOf(place.view, now);
      if (now && user && isUsedOn(place, now, user) && usesDisks(place, user))
        return isVoid(`${user.name} uses the disk again`);
      return same(params);
    },
  },
  'disk.rename': {
    about: ({ to }) => `disk ${to.uuid}`,
    stored: unchanged,
    judge({ from, to }, place) {
      const now = place.view.disk(to.uuid);
      if (!now) return isVoid('the disk is gone');
      if (!isSamePlace(now, to)) return isVoid('the disk is to be elsewhere now');
      return isOn(place, now) ? same({ from, to }) : isVoid('the disk is on another node now');
    },
  },
  'instance.start': {
    about: aboutInstance,
    stored: storedInstance,
    judge({ instance }, place) {
      const now = instanceToRun(place, instance);
      if ('void' in now) return now;
      return same({ instance: targetNow(place.view, now), paused: false });
    },
  },
  'migration.resume': {
    about: aboutInstance,
    stored: storedInstance,
    judge({ instance }, place) {
      const now = instanceToRun(place, instance);
      if ('void' in now) return now;
      const guest = place.runtime.guest(place.node, now.name);
      return guest?.state === 'running' ? isVoid('it runs again') : same({ instance });
    },
  },
  'instance.stop': {
    about: aboutInstance,
    stored: (params) => ({ ...storedInstance(params), timeout: 0, force: true }),
    judge(params, place) {
      const now = guestHere(place, params.instance);
      return now?.admin_state === 'up' ? isVoid(`${now.name} is to run on this node`) : same(params);
    },
  },
  'instance.forget': {
    about: aboutInstance,
    stored: storedInstance,
    judge(params, place) {
      const now = guestHere(place, params.instance);
      return now ? isVoid(`${now.name} is on this node`) : same(params);
    },
  },
  'instance.plug': {
    about: aboutInstance,
    stored: storedInstance,
    judge({ instance, device }, place) {
      const now = instanceOn(place, instance);
      if ('void' in now) return now;
      const target = targetNow(place.view, now);
      return hasDevice(target, device)
        ? same({ instance: target, device })
        : isVoid('the instance does not have the device any more');
    },
  },
  'instance.unplug': {
    about: aboutInstance,
    stored: storedInstance,
    judge({ instance, device }, place) {
      const now = instanceOn(place, instance);
      if ('void' in now) return now;
      return hasDevice(targetNow(place.view, now), device)
        ? isVoid('the instance has the device again')
        : same({ instance, device });
    },
  },
  'instance.memory': {
    about: aboutInstance,
    stored: storedInstance,
    judge({ instance, memory }, place) {
      const now = instanceOn(place, instance);
      if ('void' in now) return now;
      return knownToRun(place.runtime, now)
        ? same({ instance: targetNow(place.view, now), memory })
        : isVoid('the instance does not run');
    },
  },
  // What is finished is not touched by it, and what is under way holds the lock of the instance.
  'backup.discard': {
    about: ({ instance_name }) => `export of ${instance_name}`,
    stored: unchanged,
    judge: same,
  },
  'certificate.remove': { about: ({ name }) => `certificate ${name}`, stored: unchanged, judge: same },
  'storage.modify': {
    about: ({ type, name }) => `storage ${type}/${name}`,
    stored: unchanged,
    judge: same,
  },
};

/** What a job that has ended well with a call has settled: older duties of these calls about the same object on the same node. */
const settled: { readonly [N in CallName]?: readonly CallName[] } = {
  'instance.start': ['instance.stop', 'instance.forget'],
  'instance.reboot': ['instance.stop', 'instance.forget'],
  'migration.resume': ['instance.stop', 'instance.forget'],
  'instance.stop': ['instance.start', 'migration.resume'],
  'instance.memory': ['instance.memory'],
  'disk.activate': ['disk.deactivate'],
  'disk.deactivate': ['disk.activate'],
  'disk.create': ['disk.remove'],
  'disk.remove': ['disk.create', 'disk.activate'],
  'storage.modify': ['storage.modify'],
};

const ruleOf = (call: string): Rule<CallName> | undefined =>
  (rules as Record<string, Rule<CallName> | undefined>)[call];

/** Whether a call can be made again later. */
export function canBeOwed(call: CallName): boolean {
  return ruleOf(call) !== undefined;
}

/** What a call that is owed is about. */
export function aboutOf({ call, params }: DutyCall): string {
  return ruleOf(call)?.about(params as never) ?? '';
}

/** A call as it is stored in a duty. */
export function storedCall<N extends CallName>(call: N, params: ParamsOf<N>): DutyCall {
  const stored = ruleOf(call)?.stored(params as never) ?? params;
  return { call, params: stored as DutyCall['params'] };
}

/** What one call of a duty comes to in this state of the cluster. */
export function judge({ call, params }: DutyCall, place: Place): Judgement {
  return ruleOf(call)?.judge(params as never, place) ?? isVoid(`the call ${call} is not known any more`);
}

/** Whether a call that was made by a job settles a duty on the same node. */
export function settles({ call, params }: DutyCall, { calls }: Duty): boolean {
  const kinds: readonly string[] = settled[call as CallName] ?? [];
  if (!calls.every((each) => kinds.includes(each.call))) return false;
  const about = call.startsWith('instance.') || call.startsWith('migration.') ? aboutInstance : aboutDisk;
  const own = ruleOf(call) ? aboutOf({ call, params }) : about(params as never);
  return calls.every((each) => aboutOf(each) === own);
}
