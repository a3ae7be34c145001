// Which calls on nodes can be duties, and whether a stored call is still right. A duty is made long after its job has ended, so it must
// never destroy or change what the cluster uses by now: each rule judges from the current state of the cluster, and the caller holds
// the locks of the objects meanwhile. A call without a rule can never become a duty.
import type { Duty, DutyCall } from '../../model/duty.ts';
import type { Instance } from '../../model/instance.ts';
import { mirrorNodes } from '../../model/mirror.ts';
import { templates } from '../../model/templates/index.ts';
import type { ClusterView } from '../../model/view.ts';
import type { CallName, ParamsOf } from '../../rpc/registry.ts';
import { diskTarget, instanceTarget } from '../../rpc/target.ts';
import type { DiskTarget, InstanceTarget } from '../../rpc/types.ts';
import {
  type CallSite,
  isOn,
  isSameLocation,
  isUsedOn,
  knownToRun,
  ownerOf,
  userOf,
  usesDisks,
} from './disk-use.ts';

/** The reason why a call must not be made any more, for people. */
type Void = { void: string };

/** The result of judging a call: the parameters to make it with now, or why it is void. */
export type Judgement = { params: unknown } | Void;

/** How one kind of call behaves as a duty. */
interface Rule<N extends CallName> {
  /** The object that the call changes, e.g. `disk UUID`: duties with the same subject can settle each other. */
  subject(params: ParamsOf<N>): string;
  /** The parameters as they are stored: without secrets, and as strong as a late call must be. */
  stored(params: ParamsOf<N>): ParamsOf<N>;
  judge(params: ParamsOf<N>, site: CallSite): { params: ParamsOf<N> } | Void;
}

const voidBecause = (text: string): Void => ({ void: text });

/** Removes the secret of a mirror, the last entry of its logical id. Nodes find a mirror by its uuid, so a call works without it. */
function withoutSecret(disk: DiskTarget): DiskTarget {
  if (!templates[disk.dev_type].mirrored) return disk;
  return { ...disk, logical_id: [...disk.logical_id.slice(0, 5), ''] };
}

const diskSubject = ({ disk }: { disk: DiskTarget }) => `disk ${disk.uuid}`;
const instanceSubject = ({ instance }: { instance: InstanceTarget }) => `instance ${instance.uuid}`;
const storedDisk = <P extends { disk: DiskTarget }>(params: P): P => ({
  ...params,
  disk: withoutSecret(params.disk),
});
const storedInstance = <P extends { instance: InstanceTarget }>(params: P): P => ({
  ...params,
  instance: { ...params.instance, disks: params.instance.disks.map(withoutSecret) },
});

/** The instance with this uuid if the node is its primary node. */
function instanceOn({ view, node }: CallSite, { uuid }: { uuid: string }): Instance | Void {
  const instance = view.instances.get(uuid);
  return instance?.primary_node === node ? instance : voidBecause('the instance is no longer on this node');
}

/** The instance if the node is its primary node and its admin state is up. */
function instanceToRun(site: CallSite, instance: { uuid: string }): Instance | Void {
  const now = instanceOn(site, instance);
  const isUp = 'void' in now || now.admin_state === 'up';
  return isUp ? now : voidBecause(`the instance is meant to be ${now.admin_state} now`);
}

/** The instance whose guest, by uuid or by name, belongs on this node. */
function guestHere({ view, node }: CallSite, { uuid, name }: InstanceTarget): Instance | null {
  const found = [view.instances.get(uuid), view.instances.named(name)];
  return found.find((instance) => instance?.primary_node === node) ?? null;
}

const targetNow = (view: ClusterView, instance: Instance) =>
  instanceTarget(view, instance, view.disksOf(instance));

const hasDevice = ({ disks, nics }: InstanceTarget, device: string) =>
  [...disks, ...nics].some(({ uuid }) => uuid === device);

const callWith = <P>(params: P) => ({ params });
const unchanged = <P>(params: P): P => params;

const rules: { readonly [N in CallName]?: Rule<N> } = {
  'disk.remove': {
    subject: diskSubject,
    stored: storedDisk,
    judge(params, site) {
      const owner = ownerOf(site, params.disk);
      return owner ? voidBecause(`the data belongs to disk ${owner.uuid} of the cluster`) : callWith(params);
    },
  },
  'disk.create': {
    subject: diskSubject,
    stored: storedDisk,
    judge({ disk }, { view, node }) {
      const now = view.disk(disk.uuid);
      if (!now) return voidBecause('the disk is gone');
      if (!mirrorNodes(now)?.includes(node)) return voidBecause('the node no longer has a side of the disk');
      return callWith({ disk: diskTarget(now) });
    },
  },
  'disk.activate': {
    subject: diskSubject,
    stored: storedDisk,
    judge({ disk }, site) {
      const now = site.view.disk(disk.uuid);
      const user = now && userOf(site.view, now);
      if (!now || !user) return voidBecause('the disk no longer belongs to an instance');
      if (!isUsedOn(site, now, user)) return voidBecause('the disk is no longer used on this node');
      if (!usesDisks(site, user)) return voidBecause(`${user.name} does not use its disks now`);
      return callWith({ disk: diskTarget(now), primary: user.primary_node === site.node });
    },
  },
  'disk.deactivate': {
    subject: diskSubject,
    stored: storedDisk,
    judge(params, site) {
      const now = site.view.disk(params.disk.uuid);
      const user = now && userOf(site.view, now);
      if (now && user && isUsedOn(site, now, user) && usesDisks(site, user))
        return voidBecause(`${user.name} uses the disk again`);
      return callWith(params);
    },
  },
  'disk.rename': {
    subject: ({ to }) => `disk ${to.uuid}`,
    stored: unchanged,
    judge({ from, to }, site) {
      const now = site.view.disk(to.uuid);
      if (!now) return voidBecause('the disk is gone');
      if (!isSameLocation(now, to)) return voidBecause('the disk has another location now');
      return isOn(site, now) ? callWith({ from, to }) : voidBecause('the disk is on another node now');
    },
  },
  'instance.start': {
    subject: instanceSubject,
    stored: storedInstance,
    judge({ instance }, site) {
      const now = instanceToRun(site, instance);
      if ('void' in now) return now;
      return callWith({ instance: targetNow(site.view, now), paused: false });
    },
  },
  'migration.resume': {
    subject: instanceSubject,
    stored: storedInstance,
    judge({ instance }, site) {
      const now = instanceToRun(site, instance);
      if ('void' in now) return now;
      const guest = site.runtime.guest(site.node, now);
      return guest?.state === 'running' ? voidBecause('the guest is running again') : callWith({ instance });
    },
  },
  'instance.stop': {
    subject: instanceSubject,
    stored: (params) => ({ ...storedInstance(params), timeout: 0, force: true }),
    judge(params, site) {
      const now = guestHere(site, params.instance);
      return now?.admin_state === 'up'
        ? voidBecause(`${now.name} is meant to run on this node`)
        : callWith(params);
    },
  },
  'instance.forget': {
    subject: instanceSubject,
    stored: storedInstance,
    judge(params, site) {
      const now = guestHere(site, params.instance);
      return now ? voidBecause(`${now.name} is on this node`) : callWith(params);
    },
  },
  'instance.plug': {
    subject: instanceSubject,
    stored: storedInstance,
    judge({ instance, device }, site) {
      const now = instanceOn(site, instance);
      if ('void' in now) return now;
      const target = targetNow(site.view, now);
      return hasDevice(target, device)
        ? callWith({ instance: target, device })
        : voidBecause('the instance no longer has the device');
    },
  },
  'instance.unplug': {
    subject: instanceSubject,
    stored: storedInstance,
    judge({ instance, device }, site) {
      const now = instanceOn(site, instance);
      if ('void' in now) return now;
      return hasDevice(targetNow(site.view, now), device)
        ? voidBecause('the instance has the device again')
        : callWith({ instance, device });
    },
  },
  'instance.memory': {
    subject: instanceSubject,
    stored: storedInstance,
    judge({ instance, memory }, site) {
      const now = instanceOn(site, instance);
      if ('void' in now) return now;
      return knownToRun(site.runtime, now)
        ? callWith({ instance: targetNow(site.view, now), memory })
        : voidBecause('the instance does not run');
    },
  },
  // No judgement is needed: the call removes unfinished exports only, and an export under way holds the lock of the instance.
  'backup.discard': {
    subject: ({ instance_name }) => `export of ${instance_name}`,
    stored: unchanged,
    judge: callWith,
  },
  'certificate.remove': { subject: ({ name }) => `certificate ${name}`, stored: unchanged, judge: callWith },
  'storage.modify': {
    subject: ({ type, name }) => `storage ${type}/${name}`,
    stored: unchanged,
    judge: callWith,
  },
};

/** By the call that a successful job made: the calls of older duties with the same subject on the same node that it settles. */
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

/** The object that a call changes, e.g. `disk UUID`; empty when the call cannot be a duty. */
export function subjectOf({ call, params }: DutyCall): string {
  return ruleOf(call)?.subject(params as never) ?? '';
}

/** A call as it is stored in a duty, without secrets. */
export function storedCall<N extends CallName>(call: N, params: ParamsOf<N>): DutyCall {
  const stored = ruleOf(call)?.stored(params as never) ?? params;
  return { call, params: stored as DutyCall['params'] };
}

/** Judges one call of a duty by the current state of the cluster; the caller holds the locks of the objects. */
export function judge({ call, params }: DutyCall, site: CallSite): Judgement {
  return (
    ruleOf(call)?.judge(params as never, site) ?? voidBecause(`this release does not know the call ${call}`)
  );
}

/** Whether a call that a job made settles a duty on the same node: every call of the duty must be settled by it. */
export function settles({ call, params }: DutyCall, { calls }: Duty): boolean {
  const kinds: readonly string[] = settled[call as CallName] ?? [];
  if (!calls.every((each) => kinds.includes(each.call))) return false;
  // Some calls that settle duties have no rule of their own, e.g. instance.reboot.
  const isOfInstance = call.startsWith('instance.') || call.startsWith('migration.');
  const subject = isOfInstance ? instanceSubject : diskSubject;
  const own = ruleOf(call) ? subjectOf({ call, params }) : subject(params as never);
  return calls.every((each) => subjectOf(each) === own);
}
