import type { Instance } from '../model/instance.ts';
import type { GuestFacts } from '../rpc/types.ts';
import type { ReadContext } from './define.ts';

/** What the nodes know of an instance. A paused guest counts as running. */
export type Live =
  | { readonly kind: 'offline' | 'unreachable' }
  | { readonly kind: 'running'; readonly guest: GuestFacts; readonly onPrimary: boolean }
  /** `isUnknown`: the node does not understand what it keeps of it. */
  | { readonly kind: 'stopped'; readonly byUser: boolean; readonly isUnknown?: boolean };

/** Finds the guest of an instance that runs on another node than its primary one. */
export type StrayFinder = (instance: Instance) => GuestFacts | undefined;

/** From how many instances on it pays to look through all guests once instead of through all nodes for each instance. */
const MANY_INSTANCES = 8;

const runs = (guest: GuestFacts): boolean => guest.state !== 'stopped';

function askEachNode(ctx: ReadContext): StrayFinder {
  return (instance) => {
    for (const node of ctx.whole.nodes.list()) {
      if (node.offline || node.uuid === instance.primary_node) continue;
      const guest = ctx.runtime.guest(node.uuid, instance.name);
      if (guest && runs(guest)) return guest;
    }
    return undefined;
  };
}

function indexStrays(ctx: ReadContext): Map<string, GuestFacts> {
  const strays = new Map<string, GuestFacts>();
  for (const node of ctx.whole.nodes.list()) {
    if (node.offline) continue;
    for (const guest of ctx.runtime.of(node.uuid)?.guests ?? [])
      if (runs(guest) && ctx.whole.instances.named(guest.name)?.primary_node !== node.uuid)
        strays.set(guest.name, guest);
  }
  return strays;
}

/** How to find guests on wrong nodes while this many instances are read. */
export function strayFinder(ctx: ReadContext, instances: number): StrayFinder {
  if (instances < MANY_INSTANCES) return askEachNode(ctx);
  let strays: Map<string, GuestFacts> | null = null;
  return (instance) => {
    strays ??= indexStrays(ctx);
    return strays.get(instance.name);
  };
}

/** What the nodes know of an instance at this moment. */
export function liveOf(instance: Instance, ctx: ReadContext, strays: StrayFinder): Live {
  const primary = instance.primary_node;
  if (ctx.whole.nodes.get(primary)?.offline) return { kind: 'offline' };
  if (ctx.runtime.of(primary) === null) return { kind: 'unreachable' };
  const guest = ctx.runtime.guest(primary, instance.name);
  if (guest && runs(guest)) return { kind: 'running', guest, onPrimary: true };
  const stray = strays(instance);
  if (stray) return { kind: 'running', guest: stray, onPrimary: false };
  return { kind: 'stopped', byUser: guest?.by_user ?? false, isUnknown: guest?.trouble !== undefined };
}

/** The word for what an instance is meant to be and what it is. */
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
