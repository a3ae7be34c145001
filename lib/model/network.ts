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
  /** The first three bytes of generated MAC addresses of NICs in it; null to use the cluster's. */
  mac_prefix: z.string().nullable(),
  /** IPv4 addresses that the pool never assigns: the first, the last, the gateway, and others. Sorted by number. */
  reservations: z.array(z.string()),
  tags: z.array(z.string()),
});
export type Network = z.infer<typeof Network>;

/** The link parameters of NICs in a network, for the nodes of one group that is connected to it. */
export const NetworkLink = z.object({ mode: z.enum(nicModes), link: z.string(), vlan: z.string() });
export type NetworkLink = z.infer<typeof NetworkLink>;
