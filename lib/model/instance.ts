import * as z from 'zod';
import { BeParams } from './beparams.ts';
import { hypervisors } from './hvparams/index.ts';
import { Nic } from './nic.ts';
import { ObjectBase } from './object.ts';
import { diskTemplates } from './templates/index.ts';

/** What an instance is meant to be; `offline` also forbids to start it. */
export const adminStates = ['up', 'down', 'offline'] as const;

/** An instance (a virtual machine). Parameter sets contain only what the instance sets itself; fill.ts adds inherited values. */
export const Instance = ObjectBase.extend({
  name: z.string(),
  /** The primary node, by uuid. */
  primary_node: z.string(),
  os: z.string(),
  hypervisor: z.enum(hypervisors),
  hvparams: z.record(z.string(), z.unknown()),
  beparams: BeParams.partial(),
  osparams: z.record(z.string(), z.unknown()),
  /** Private OS parameters as sealed JSON (base/seal.ts); null when there are none. */
  osparams_private: z.string().nullable(),
  admin_state: z.enum(adminStates),
  /** Who set the admin state: a job, or the user of the guest by shutting it down from inside. */
  admin_state_source: z.enum(['admin', 'user']),
  /** Whether its disks are activated although the instance is down. */
  disks_active: z.boolean().optional(),
  disk_template: z.enum(diskTemplates),
  /** Disks in their order, by uuid. */
  disks: z.array(z.string()),
  nics: z.array(Nic),
  /** The port of its console, where the hypervisor has one. */
  network_port: z.number().int().nullable(),
  tags: z.array(z.string()),
});
export type Instance = z.infer<typeof Instance>;
