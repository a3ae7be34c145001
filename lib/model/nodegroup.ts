import * as z from 'zod';
import { PartialIPolicy } from './ipolicy.ts';
import { NetworkLink } from './network.ts';
import { ObjectBase } from './object.ts';

/** Whether the allocator may use a group: always, only when no preferred group has room, or never. */
export const allocPolicies = ['preferred', 'last_resort', 'unallocable'] as const;

/** A node group. Parameter sets contain only what the group sets itself. Ganeti shows 0 as the ctime of the first group. */
export const NodeGroup = ObjectBase.extend({
  name: z.string(),
  alloc_policy: z.enum(allocPolicies),
  ndparams: z.record(z.string(), z.unknown()),
  diskparams: z.record(z.string(), z.record(z.string(), z.unknown())),
  ipolicy: PartialIPolicy,
  /** The networks that the group is connected to, by uuid. */
  networks: z.record(z.string(), NetworkLink).default({}),
  tags: z.array(z.string()),
});
export type NodeGroup = z.infer<typeof NodeGroup>;
