import * as z from 'zod';
import { nicModes } from './nic.ts';
import { ObjectBase } from './object.ts';

/** A network that NICs can be in, and a pool of IPv4 addresses for them. */
export const Network = ObjectBase.extend({
  name: z.string(),
  /** The IPv4 network in CIDR notation. */
  network: z.string(),
  gateway: z.string().nullable(),
  network6: z.string().nullable(),
  gateway6: z.string().nullable(),
  /** The first three bytes of MAC addresses that are made for NICs in it; null for the cluster's. */
  mac_prefix: z.string().nullable(),
  /** IPv4 addresses that no NIC gets from the pool: the first, the last, the gateway, and others. Sorted by number. */
  reservations: z.array(z.string()),
  tags: z.array(z.string()),
});
export type Network = z.infer<typeof Network>;

/** How a network is reached from the nodes of a group. */
export const NetworkLink = z.object({ mode: z.enum(nicModes), link: z.string(), vlan: z.string() });
export type NetworkLink = z.infer<typeof NetworkLink>;
