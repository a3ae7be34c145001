import * as z from 'zod';
import { ObjectBase } from './object.ts';

/** A node (a host). */
export const Node = ObjectBase.extend({
  name: z.string(),
  /** Its node group, by uuid. */
  group: z.string(),
  primary_ip: z.string(),
  secondary_ip: z.string(),
  master_candidate: z.boolean(),
  offline: z.boolean(),
  drained: z.boolean(),
  master_capable: z.boolean(),
  vm_capable: z.boolean(),
  ndparams: z.record(z.string(), z.unknown()),
  tags: z.array(z.string()),
});
export type Node = z.infer<typeof Node>;

/** The one-letter role: master, candidate, regular, drained or offline. */
export type NodeRole = 'M' | 'C' | 'R' | 'D' | 'O';

/** The role letters with the words that the RAPI uses. */
export const roleNames: Readonly<Record<NodeRole, string>> = {
  M: 'master',
  C: 'master-candidate',
  R: 'regular',
  D: 'drained',
  O: 'offline',
};

/** The role of a node; `master` is the uuid of the cluster's master node. */
export function nodeRole(node: Node, master: string): NodeRole {
  if (node.uuid === master) return 'M';
  if (node.offline) return 'O';
  if (node.drained) return 'D';
  return node.master_candidate ? 'C' : 'R';
}

/** The fields of a node that are needed to connect to it. */
export type NodeAddress = Pick<Node, 'uuid' | 'name' | 'primary_ip' | 'offline'>;
