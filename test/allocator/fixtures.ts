import type {
  AllocateRequest,
  AllocatorCluster,
  AllocatorGroup,
  AllocatorInstance,
  AllocatorNode,
} from '../../lib/allocator/model.ts';
import { ipolicyDefaults } from '../../lib/model/ipolicy.ts';

/** A node with plenty of everything; its uuid is its name. */
export function node(name: string, values: Partial<AllocatorNode> = {}): AllocatorNode {
  return {
    uuid: name,
    name,
    group: 'g1',
    offline: false,
    drained: false,
    vm_capable: true,
    memory_total: 10240,
    memory_free: 10000,
    memory_dom0: 240,
    disk_total: 100000,
    disk_free: 100000,
    cpu_total: 8,
    cpu_dom0: 0,
    spindle_count: 1,
    exclusive_storage: false,
    spindles_total: null,
    spindles_free: null,
    tags: [],
    ...values,
  };
}

export function group(uuid: string, values: Partial<AllocatorGroup> = {}): AllocatorGroup {
  return { uuid, name: uuid, alloc_policy: 'preferred', ipolicy: ipolicyDefaults, networks: [], ...values };
}

/** A running instance of 512 MiB with one virtual CPU and disks in files. */
export function instance(primary: string, values: Partial<AllocatorInstance> = {}): AllocatorInstance {
  return {
    uuid: `on-${primary}`,
    name: `on-${primary}`,
    primary,
    secondary: null,
    memory: 512,
    vcpus: 1,
    spindle_use: 1,
    running: true,
    offline: false,
    auto_balance: true,
    disks: [1024],
    disk_template: 'file',
    spindles: null,
    nic_count: 1,
    tags: [],
    ...values,
  };
}

export function cluster(
  nodes: readonly AllocatorNode[],
  instances: readonly AllocatorInstance[] = [],
  values: Partial<AllocatorCluster> = {},
): AllocatorCluster {
  return { tags: [], groups: [group('g1')], nodes, instances, ...values };
}

/** 1024 MiB of memory, one virtual CPU, one disk of 1024 MiB in a file. */
export function request(values: Partial<AllocateRequest> = {}): AllocateRequest {
  return {
    memory: 1024,
    vcpus: 1,
    disks: [1024],
    disk_template: 'file',
    spindle_use: 1,
    spindles: null,
    nic_count: 1,
    tags: [],
    required_nodes: 1,
    ...values,
  };
}
