import * as z from 'zod';
import type { ParamKinds } from './enforce.ts';

/** The modes of NICs. */
export const nicModes = ['bridged', 'openvswitch', 'pool', 'routed'] as const;

/** The complete link parameters of a NIC, with the cluster's defaults filled in. */
export const NicParams = z.object({ mode: z.string(), link: z.string(), vlan: z.string() });
export type NicParams = z.infer<typeof NicParams>;

/** The kinds of the link parameters. */
export const nicParamKinds: ParamKinds = { mode: 'string', link: 'string', vlan: 'string' };
/** Ganeti's defaults of the link parameters. */
export const nicParamDefaults: NicParams = { mode: 'bridged', link: 'xen-br0', vlan: '' };

/** A network interface of an instance; `nicparams` contains only what the NIC sets itself, `network` is a uuid. */
export const Nic = z.object({
  uuid: z.string(),
  name: z.string().nullable(),
  mac: z.string(),
  ip: z.string().nullable(),
  network: z.string().nullable(),
  nicparams: NicParams.partial(),
});
export type Nic = z.infer<typeof Nic>;
