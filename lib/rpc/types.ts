import * as z from 'zod';
import { BeParams } from '../model/beparams.ts';
import { hypervisors } from '../model/hvparams/index.ts';
import { NicParams } from '../model/nic.ts';
import { diskTemplates } from '../model/templates/index.ts';

/** A disk as a node needs it: where it is and how big it is (MiB). */
export const DiskTarget = z.object({
  uuid: z.string(),
  name: z.string().nullable(),
  dev_type: z.enum(diskTemplates),
  logical_id: z.array(z.union([z.string(), z.number()])),
  size: z.number().int(),
  mode: z.enum(['rw', 'ro']),
  params: z.record(z.string(), z.unknown()),
});
export type DiskTarget = z.infer<typeof DiskTarget>;

/** How data is made smaller on its way from node to node. */
export const Compression = z.enum(['none', 'gzip', 'gzip-fast', 'gzip-slow']);
export type Compression = z.infer<typeof Compression>;

/** Where the worker of one node finds data that the worker of another one offers to it. */
export const StreamSource = z.object({
  /** The name of the node that offers it. */
  node: z.string(),
  host: z.string(),
  port: z.number().int(),
  id: z.string(),
  compress: Compression,
});
export type StreamSource = z.infer<typeof StreamSource>;

/** How one node's side of a mirrored disk is. */
export const MirrorStatus = z.object({
  primary: z.boolean(),
  /** Whether this side holds all data for certain. */
  current: z.boolean(),
  /** Whether the two sides do not hold the same data for certain. */
  degraded: z.boolean(),
  /** Per cent of a synchronisation under way; null when there is none. */
  sync_percent: z.number().nullable(),
  /** Seconds that it will still take. */
  estimated_time: z.number().nullable(),
});
export type MirrorStatus = z.infer<typeof MirrorStatus>;

/** A NIC as a node needs it, with all link parameters filled in. */
export const NicTarget = z.object({
  /** The network that it is in, if it is in one. */
  network: z
    .object({
      name: z.string(),
      uuid: z.string(),
      network: z.string(),
      gateway: z.string().nullable(),
      network6: z.string().nullable(),
      gateway6: z.string().nullable(),
      mac_prefix: z.string().nullable(),
      tags: z.array(z.string()),
    })
    .nullable()
    .optional(),
  uuid: z.string(),
  name: z.string().nullable(),
  mac: z.string(),
  ip: z.string().nullable(),
  nicparams: NicParams,
});
export type NicTarget = z.infer<typeof NicTarget>;

/** An instance as a node needs it to run it: all parameters filled in. */
export const InstanceTarget = z.object({
  uuid: z.string(),
  name: z.string(),
  os: z.string(),
  hypervisor: z.enum(hypervisors),
  hvparams: z.record(z.string(), z.unknown()),
  beparams: BeParams,
  disks: z.array(DiskTarget),
  nics: z.array(NicTarget),
  /** The port of its console; guests of earlier releases have none. */
  network_port: z.number().int().nullable().optional(),
});
export type InstanceTarget = z.infer<typeof InstanceTarget>;

/** How a console is reached, in the form that the RAPI shows. */
export const Console = z.object({
  instance: z.string(),
  kind: z.enum(['msg', 'ssh', 'vnc', 'spice']),
  message: z.string().optional(),
  host: z.string().optional(),
  port: z.number().int().optional(),
  user: z.string().optional(),
  command: z.array(z.string()).optional(),
  display: z.number().int().optional(),
});
export type Console = z.infer<typeof Console>;

/** What a node knows of one guest that exists there. A guest that is not listed does not run. Memory in MiB. */
export const GuestFacts = z.object({
  name: z.string(),
  uuid: z.string(),
  hypervisor: z.enum(hypervisors),
  state: z.enum(['running', 'paused', 'stopped']),
  memory: z.number().int(),
  vcpus: z.number().int(),
  /** Whether a stopped guest was shut down from inside (ACPI or the guest's own command). */
  by_user: z.boolean(),
  console: Console,
  /** What is wrong with the guest on this node, or with what the node keeps of it, in words for people; the rest may be wrong then. */
  trouble: z.string().optional(),
});
export type GuestFacts = z.infer<typeof GuestFacts>;

/** What a node knows of itself. Memory and disk in MiB; null where the node cannot tell. */
export const NodeFacts = z.object({
  memory_total: z.number().int().nullable(),
  memory_free: z.number().int().nullable(),
  /** In active use on the host, as its kernel counts it; guests' memory and a part of the page cache among it. */
  memory_dom0: z.number().int().nullable(),
  disk_total: z.number().int().nullable(),
  disk_free: z.number().int().nullable(),
  spindles_total: z.number().int().nullable(),
  spindles_free: z.number().int().nullable(),
  cpu_total: z.number().int().nullable(),
  cpu_nodes: z.number().int().nullable(),
  cpu_sockets: z.number().int().nullable(),
  cpu_dom0: z.number().int().nullable(),
  bootid: z.string().nullable(),
  /** The hooks that have a script there, e.g. `instance-add-pre`; not there when there are none. */
  hooks: z.array(z.string()).optional(),
});
export type NodeFacts = z.infer<typeof NodeFacts>;

/**
 * All runtime facts of one node. `epoch` names one life of the worker, `version` grows with each change within it; of two
 * sets of one epoch the one with the higher version counts.
 */
export const RuntimeFacts = z.object({
  epoch: z.string(),
  version: z.number().int(),
  node: NodeFacts,
  guests: z.array(GuestFacts),
});
export type RuntimeFacts = z.infer<typeof RuntimeFacts>;
