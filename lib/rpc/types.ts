// Types that several calls share. They go over the wire between releases: a new field must be optional, or have a default.
import * as z from 'zod';
import { BeParams } from '../model/beparams.ts';
import { hypervisors } from '../model/hvparams/index.ts';
import { NicParams } from '../model/nic.ts';
import { diskTemplates } from '../model/templates/index.ts';

/** A disk in calls on nodes; size in MiB. */
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

/** How data is compressed during a transfer between nodes. */
export const Compression = z.enum(['none', 'gzip', 'gzip-fast', 'gzip-slow']);
export type Compression = z.infer<typeof Compression>;

/** A stream that the worker of one node offers to that of another (streams.ts). */
export const StreamSource = z.object({
  /** The name of the node that offers it. */
  node: z.string(),
  host: z.string(),
  port: z.number().int(),
  id: z.string(),
  compress: Compression,
});
export type StreamSource = z.infer<typeof StreamSource>;

/** The state of a mirrored disk as one of its nodes sees it. */
export const MirrorStatus = z.object({
  primary: z.boolean(),
  /** Whether this side certainly has all data. */
  current: z.boolean(),
  /** Whether the two sides may differ. */
  degraded: z.boolean(),
  /** Progress of a synchronisation in per cent; null when none is under way. */
  sync_percent: z.number().nullable(),
  /** Seconds until it ends; null when unknown. */
  estimated_time: z.number().nullable(),
});
export type MirrorStatus = z.infer<typeof MirrorStatus>;

/** A NIC in calls on nodes, with inherited link parameters filled in. */
export const NicTarget = z.object({
  /** The network that it is in; null for none. */
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

/** An instance in calls on nodes, with inherited parameters filled in. */
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

/** The guest of an instance, in calls that need nothing else of it. */
export const GuestRef = InstanceTarget.pick({ uuid: true, name: true, hypervisor: true });
export type GuestRef = z.infer<typeof GuestRef>;

/** How to connect to a console, in the form that the RAPI shows. */
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

/** What a guest tells through its agent; what the agent does not tell is missing. The guest may say anything. */
export const AgentFacts = z.object({
  /** Whether an agent has opened its port. */
  open: z.boolean(),
  version: z.string().optional(),
  hostname: z.string().optional(),
  /** The name of its operating system. */
  os: z.string().optional(),
  /** Its addresses without loopback and link-local ones. */
  ips: z.array(z.string()).optional(),
  /** Whether its file systems are frozen; missing when they are not. */
  frozen: z.boolean().optional(),
});
export type AgentFacts = z.infer<typeof AgentFacts>;

/** A guest as its node reports it. A guest that is not listed does not run. Memory in MiB. */
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
  /** Missing for a hypervisor without agents, and for workers of earlier releases. */
  agent: AgentFacts.optional(),
  /** What is wrong with the guest or with its files on this node, for people; the other facts may be wrong then. */
  trouble: z.string().optional(),
});
export type GuestFacts = z.infer<typeof GuestFacts>;

/** A node as it reports itself. Memory and disk in MiB; null when the node does not know. */
export const NodeFacts = z.object({
  memory_total: z.number().int().nullable(),
  memory_free: z.number().int().nullable(),
  /** Active memory of the host as its kernel counts it; it includes the guests' memory and a part of the page cache. */
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
  /** The hooks that have a script there, e.g. `instance-add-pre`; missing when there are none. */
  hooks: z.array(z.string()).optional(),
});
export type NodeFacts = z.infer<typeof NodeFacts>;

/**
 * All runtime facts of one node. `epoch` identifies the worker process, and `version` increments with each change: of two reports with
 * the same epoch the one with the higher version is newer.
 */
export const RuntimeFacts = z.object({
  epoch: z.string(),
  version: z.number().int(),
  node: NodeFacts,
  guests: z.array(GuestFacts),
});
export type RuntimeFacts = z.infer<typeof RuntimeFacts>;
