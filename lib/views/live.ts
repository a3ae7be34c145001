// The actual state of instances, and the status that queries show: the combination of the admin state (what the instance is meant to
// be) with the actual state.
//
// | actual state                  | admin state   | status                                                  |
// | ----------------------------- | ------------- | ------------------------------------------------------- |
// | primary node marked offline   | any           | ERROR_nodeoffline                                       |
// | primary node unreachable      | any           | ERROR_nodedown                                          |
// | runs on another node          | any           | ERROR_wrongnode                                         |
// | runs on its primary node      | up            | running; ERROR_up when the node reports trouble with it |
// | runs on its primary node      | down, offline | ERROR_up                                                |
// | stopped, node reports trouble | any           | ERROR_down                                              |
// | stopped                       | up            | ERROR_down; USER_down when it was shut down from inside |
// | stopped                       | down          | ADMIN_down; USER_down when admin_state_source is `user` |
// | stopped                       | offline       | ADMIN_offline                                           |
import type { Instance } from '../model/instance.ts';
import { Guests } from '../rpc/runtime.ts';
import type { GuestFacts } from '../rpc/types.ts';
import type { ReadContext } from './define.ts';

/** The actual state of an instance as nodes report it. A paused guest counts as running. */
export type Live =
  /** The primary node is marked offline, or does not answer. */
  | { readonly kind: 'offline' | 'unreachable' }
  | { readonly kind: 'running'; readonly guest: GuestFacts; readonly onPrimary: boolean }
  /** `byUser`: it was shut down from inside. `isUnknown`: the node reports trouble with the guest or its record of it. */
  | { readonly kind: 'stopped'; readonly byUser: boolean; readonly isUnknown?: boolean };

/** Finds the guest of an instance that runs on another node than its primary one. */
export type StrayFinder = (instance: Instance) => GuestFacts | undefined;

/** From this number of instances, an index of all guests is faster than looking at all nodes for each instance. */
const MANY_INSTANCES = 8;

/** Whether a guest is not stopped; a paused one counts as running. */
const runs = (guest: GuestFacts): boolean => guest.state !== 'stopped';

/** Looks for each instance at the facts of every node. */
function searchEachNode(ctx: ReadContext): StrayFinder {
  return (instance) => {
    for (const node of ctx.whole.nodes.list()) {
      if (node.offline || node.uuid === instance.primary_node) continue;
      const guest = ctx.runtime.guest(node.uuid, instance);
      if (guest && runs(guest)) return guest;
    }
    return undefined;
  };
}

/** The running guests on other nodes than the primary ones of their instances. */
function* strayGuests({ whole, runtime }: ReadContext): Generator<GuestFacts> {
  for (const node of whole.nodes.list()) {
    if (node.offline) continue;
    for (const guest of runtime.of(node.uuid)?.guests ?? []) {
      const { uuid, name } = guest;
      const instance = uuid === '' ? whole.instances.named(name) : whole.instances.get(uuid);
      if (runs(guest) && instance?.primary_node !== node.uuid) yield guest;
    }
  }
}

/**
 * Returns a function that finds guests on wrong nodes. @param instances how many instances will be read, which decides the method; the
 * index is made only when an instance needs it
 */
export function strayFinder(ctx: ReadContext, instances: number): StrayFinder {
  if (instances < MANY_INSTANCES) return searchEachNode(ctx);
  let strays: Guests | null = null;
  return (instance) => {
    strays ??= new Guests(strayGuests(ctx));
    return strays.of(instance);
  };
}

/** The actual state of an instance now. */
export function liveOf(instance: Instance, ctx: ReadContext, strays: StrayFinder): Live {
  const primary = instance.primary_node;
  if (ctx.whole.nodes.get(primary)?.offline) return { kind: 'offline' };
  if (ctx.runtime.of(primary) === null) return { kind: 'unreachable' };
  const guest = ctx.runtime.guest(primary, instance);
  if (guest && runs(guest)) return { kind: 'running', guest, onPrimary: true };
  const stray = strays(instance);
  if (stray) return { kind: 'running', guest: stray, onPrimary: false };
  return { kind: 'stopped', byUser: guest?.by_user ?? false, isUnknown: guest?.trouble !== undefined };
}

/** The value of the field `status`, as the table above says. */
export function instanceStatus(instance: Instance, live: Live): string {
  switch (live.kind) {
    case 'offline':
      return 'ERROR_nodeoffline';
    case 'unreachable':
      return 'ERROR_nodedown';
    case 'running':
      if (!live.onPrimary) return 'ERROR_wrongnode';
      return instance.admin_state === 'up' && live.guest.trouble === undefined ? 'running' : 'ERROR_up';
    case 'stopped':
      if (live.isUnknown) return 'ERROR_down';
      switch (instance.admin_state) {
        case 'up':
          return live.byUser ? 'USER_down' : 'ERROR_down';
        case 'down':
          return instance.admin_state_source === 'user' ? 'USER_down' : 'ADMIN_down';
        case 'offline':
          return 'ADMIN_offline';
      }
  }
}
