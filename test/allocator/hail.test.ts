import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { allocate } from '../../lib/allocator/allocate.ts';
import type {
  AllocateRequest,
  AllocatorCluster,
  AllocatorGroup,
  AllocatorInstance,
  AllocatorNode,
} from '../../lib/allocator/model.ts';
import { run } from '../../lib/base/exec.ts';
import { ipolicyDefaults } from '../../lib/model/ipolicy.ts';

/** Ganeti's own allocator, of Debian's ganeti-htools. */
const HAIL = '/usr/lib/ganeti/iallocators/hail';
/** Our nodes have no memory of their own, and capacity is not looked at twice. */
const HOW = ['--static-kvm-node-memory=0', '--no-capacity-checks'];
const CLUSTERS = process.env.MERAPI_WHOLE === '1' ? 220 : 110;
/** How many of the placements of both may have a worse score than hail's. */
const WORSE_ALLOWED = 0.05;

type Instance = AllocatorInstance;
interface Case {
  cluster: Omit<AllocatorCluster, 'instances'> & { instances: readonly Instance[] };
  request: AllocateRequest;
}

/** The same numbers in every run (mulberry32). */
class Dice {
  #seed: number;
  constructor(seed: number) {
    this.#seed = seed;
  }
  number(): number {
    this.#seed = (this.#seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#seed ^ (this.#seed >>> 15), 1 | this.#seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  int(low: number, high: number): number {
    return low + Math.floor(this.number() * (high - low + 1));
  }
  pick<T>(list: readonly T[]): T {
    return list[this.int(0, list.length - 1)] as T;
  }
  some<T>(list: readonly T[], part: number): T[] {
    return list.filter(() => this.number() < part);
  }
}

const tags = ['service:dns', 'service:web', 'power:1', 'power:2'];
const templates = ['plain', 'file', 'sharedfile', 'diskless', 'drbd'] as const;
const list = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);

function randomGroup(dice: Dice, index: number): AllocatorGroup {
  const [{ min, max } = assert.fail()] = ipolicyDefaults.minmax;
  const bounds = {
    min: { ...min, 'nic-count': 0 },
    max: { ...max, 'memory-size': dice.pick([2048, 32768, 32768]), 'cpu-count': dice.pick([2, 8, 8]) },
  };
  return {
    uuid: `g${index}`,
    name: `group${index}`,
    alloc_policy: dice.pick(['preferred', 'preferred', 'last_resort']),
    ipolicy: {
      ...ipolicyDefaults,
      'vcpu-ratio': dice.pick([2, 4, 8]),
      'spindle-ratio': dice.pick([2, 8, 32]),
      minmax: [bounds],
    },
    networks: [],
  };
}

function randomCase(dice: Dice): Case {
  const groups = list(dice.int(1, 3), (index) => randomGroup(dice, index));
  const shells = list(dice.int(2, 12), (index) => ({
    ...{ uuid: `u${index}`, name: `node${index}`, group: dice.pick(groups).uuid },
    ...{ offline: dice.number() < 0.06, drained: dice.number() < 0.06, vm_capable: dice.number() > 0.06 },
    ...{ memory_total: dice.pick([8192, 16384, 32768]), memory_dom0: dice.pick([0, 256, 512]) },
    ...{
      disk_total: dice.pick([20_000, 100_000]),
      cpu_total: dice.pick([2, 4, 8]),
      cpu_dom0: dice.pick([0, 1]),
    },
    ...{
      spindle_count: dice.pick([1, 2, 4]),
      exclusive_storage: false,
      spindles_total: null,
      spindles_free: null,
    },
    tags: dice.some(['power:1', 'power:2', 'other:1'], 0.4),
  }));
  const instances = list(dice.int(0, 30), (index): Instance => {
    const primary = dice.pick(shells);
    const others = shells.filter((node) => node !== primary && node.group === primary.group);
    const wanted = dice.pick(templates);
    const disk_template = wanted === 'drbd' && others.length === 0 ? 'plain' : wanted;
    return {
      ...{ uuid: `i${index}`, name: `inst${index}`, primary: primary.uuid, disk_template },
      secondary: disk_template === 'drbd' ? dice.pick(others).uuid : null,
      ...{ memory: dice.pick([128, 256, 512, 1024]), vcpus: dice.int(1, 3), spindle_use: dice.int(0, 2) },
      ...{ running: dice.number() < 0.7, offline: false, auto_balance: true },
      ...{ disks: disk_template === 'diskless' ? [] : [dice.int(1024, 4096)], spindles: null, nic_count: 0 },
      tags: dice.some(tags, 0.15),
    };
  });
  const nodes = shells.map((node): AllocatorNode => {
    const own = instances.filter(({ primary, running }) => primary === node.uuid && running);
    const local = instances.filter(
      ({ disk_template, primary, secondary }) =>
        ['plain', 'drbd'].includes(disk_template) && [primary, secondary].includes(node.uuid),
    );
    const memory =
      node.memory_total - node.memory_dom0 - sum(own.map((each) => each.memory)) - dice.int(0, 700);
    const disk = node.disk_total - sum(local.flatMap((each) => each.disks)) - dice.int(0, 5000);
    return { ...node, memory_free: Math.max(0, memory), disk_free: Math.max(0, disk) };
  });
  // hail does not count the space of files.
  const disk_template = dice.pick(templates.filter((template) => template !== 'file'));
  const group = dice.number() < 0.2 ? { groups: [dice.pick(groups).uuid] } : {};
  const request: AllocateRequest = {
    ...{ memory: dice.pick([128, 512, 1024, 3000]), vcpus: dice.int(1, 4), disk_template },
    disks: disk_template === 'diskless' ? [] : list(dice.int(1, 2), () => dice.int(1024, 12_000)),
    ...{ spindle_use: dice.int(1, 3), spindles: null, nic_count: 1, tags: dice.some(tags, 0.3) },
    required_nodes: disk_template === 'drbd' ? 2 : 1,
    ...group,
  };
  const known = ['htools:iextags:service', 'htools:nlocation:power', 'htools:desiredlocation:power'];
  return { cluster: { tags: dice.some(known, 0.6), groups, nodes, instances }, request };
}

const nicOfAnybody = { ip: null, mac: '00:11:22:33:44:55' };

/** The same case in Ganeti's iallocator protocol. */
function hailInput({ cluster, request }: Case): unknown {
  const nameOf = new Map(cluster.nodes.map(({ uuid, name }) => [uuid, name]));
  const group = cluster.groups.find(({ uuid }) => uuid === request.groups?.[0]);
  const space = sum(request.disks) + (request.disk_template === 'drbd' ? 128 * request.disks.length : 0);
  return {
    ...{
      version: 2,
      cluster_name: 'c',
      cluster_tags: cluster.tags,
      enabled_hypervisors: ['kvm'],
      ipolicy: ipolicyDefaults,
    },
    nodegroups: Object.fromEntries(
      cluster.groups.map(({ uuid, name, alloc_policy, ipolicy }) => [
        uuid,
        { name, alloc_policy, ipolicy, networks: [], tags: [] },
      ]),
    ),
    instances: Object.fromEntries(
      cluster.instances.map((each) => {
        const disks = each.disks.map((size) => ({ mode: 'rw', size }));
        const nodes = [each.primary, each.secondary].flatMap((uuid) => nameOf.get(uuid ?? '') ?? []);
        const { vcpus, disk_template, memory, spindle_use, auto_balance } = each;
        const state = { should_run: each.running, admin_state: each.running ? 'up' : 'down' };
        const place = {
          nodes,
          disks,
          disk_space_total: sum(each.disks),
          nics: [],
          os: 'x',
          hypervisor: 'kvm',
        };
        return [
          each.name,
          { tags: each.tags, vcpus, disk_template, memory, spindle_use, auto_balance, ...state, ...place },
        ];
      }),
    ),
    nodes: Object.fromEntries(
      cluster.nodes.map((node) => [
        node.name,
        {
          ...{ total_disk: node.disk_total, free_disk: node.disk_free, total_memory: node.memory_total },
          ...{ free_memory: node.memory_free, reserved_memory: node.memory_dom0, total_cpus: node.cpu_total },
          ...{
            reserved_cpus: node.cpu_dom0,
            i_pri_memory: 0,
            i_pri_up_memory: 0,
            tags: node.tags,
            group: node.group,
          },
          ...{
            offline: node.offline,
            drained: node.drained,
            vm_capable: node.vm_capable,
            master_capable: true,
          },
          ...{
            master_candidate: true,
            primary_ip: '192.0.2.1',
            secondary_ip: '192.0.2.1',
            total_spindles: 0,
            free_spindles: 0,
          },
          ndparams: {
            spindle_count: node.spindle_count,
            exclusive_storage: false,
            cpu_speed: 1,
            ssh_port: 22,
          },
        },
      ]),
    ),
    request: {
      ...{ type: 'allocate', name: 'new', required_nodes: request.required_nodes, disk_space_total: space },
      ...{
        disks: request.disks.map((size) => ({ mode: 'rw', size })),
        nics: [nicOfAnybody],
        vcpus: request.vcpus,
      },
      ...{
        disk_template: request.disk_template,
        memory: request.memory,
        os: 'x',
        tags: request.tags,
        hypervisor: 'kvm',
      },
      ...{ spindle_use: request.spindle_use, ...(group ? { group_name: group.name } : {}) },
    },
  };
}

interface HailAnswer {
  success: boolean;
  info: string;
  result: string[];
}

describe("the allocator beside Ganeti's hail", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'merapi-hail-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function hail(file: string, ...more: string[]): Promise<HailAnswer> {
    const { code, stdout, stderr } = await run(HAIL, [...HOW, ...more, file], { timeout: 30_000 });
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout);
  }

  const scoreOf = ({ info }: HailAnswer, group: string) =>
    Number(new RegExp(`Group ${group} \\([a-z_]+\\): score: ([0-9.]+)`).exec(info)?.[1] ?? Number.NaN);

  it('places nothing where hail says that it cannot be, and leaves nodes as evenly loaded', async () => {
    const dice = new Dice(20_261_121);
    const counts = { placed: 0, worse: 0, tooCareful: 0, none: 0 };
    for (let number = 0; number < CLUSTERS; number++) {
      const case_ = randomCase(dice);
      const file = join(folder, 'case.json');
      await writeFile(file, JSON.stringify(hailInput(case_)));
      const theirs = await hail(file);
      const ours = allocate(case_.cluster, case_.request);
      if (!ours.ok) {
        counts[theirs.success ? 'tooCareful' : 'none']++;
        continue;
      }
      counts.placed++;
      const nodes = ours.nodes.map(
        (uuid) => case_.cluster.nodes.find((node) => node.uuid === uuid) ?? assert.fail(),
      );
      const names = nodes.map(({ name }) => name);
      if (names.join() === theirs.result.join()) continue;
      const same = await hail(file, `--restrict-allocation-to=${names.join(',')}`);
      assert.ok(
        same.success,
        `cluster ${number}: hail does not place it on ${names.join(' and ')}: ${same.info}`,
      );
      const groupOf = (name: string) => {
        const uuid = case_.cluster.nodes.find((node) => node.name === name)?.group;
        return case_.cluster.groups.find((group) => group.uuid === uuid)?.name ?? '';
      };
      if (scoreOf(same, groupOf(names[0] ?? '')) > scoreOf(theirs, groupOf(theirs.result[0] ?? '')) + 1e-6)
        counts.worse++;
    }
    assert.ok(counts.placed > CLUSTERS / 3, JSON.stringify(counts));
    assert.ok(counts.none > 0, JSON.stringify(counts));
    assert.ok(counts.worse <= counts.placed * WORSE_ALLOWED, JSON.stringify(counts));
    assert.ok(counts.tooCareful <= CLUSTERS * 0.02, JSON.stringify(counts));
  });
});
