import type { Random } from '../helpers/random.ts';
import { type Template, templates } from './rig.ts';

/** A request for a job, as the seed decides it. */
export interface JobRequest {
  kind: 'job';
  method: 'POST' | 'PUT' | 'DELETE';
  /** With `?` and arguments, where it has some. */
  path: string;
  body?: unknown;
  /** The opcodes that the job is to consist of, and the values that it must have been given. */
  ops: string[];
  values: Record<string, unknown>;
}

/** Or the wish to cancel one of the last jobs of the same client: 1 is the very last one. */
interface CancelRequest {
  kind: 'cancel';
  back: number;
}

export type ChaosRequest = JobRequest | CancelRequest;

/** What a client thinks of an instance: as if all that it asked for had been done. */
interface Belief {
  template: Template;
  isUp: boolean;
}

const kinds = {
  create: 26,
  import: 3,
  'several instances': 2,
  remove: 9,
  startup: 7,
  shutdown: 7,
  reboot: 5,
  modify: 6,
  'change disks': 4,
  'change nics': 5,
  convert: 3,
  grow: 7,
  rename: 4,
  failover: 5,
  migrate: 6,
  reinstall: 3,
  'replace disks': 3,
  'recreate disks': 1,
  'activate disks': 2,
  export: 5,
  'remove export': 2,
  tag: 5,
  'cluster tag': 2,
  group: 2,
  'assign nodes': 1,
  network: 2,
  'connect network': 2,
  'network addresses': 3,
  role: 3,
  evacuate: 1,
  cancel: 6,
} as const;

const NETWORKS = 3;
const submitted = (
  method: JobRequest['method'],
  path: string,
  op: string | string[],
  values: Record<string, unknown>,
  body?: unknown,
): JobRequest => ({
  kind: 'job',
  method,
  path,
  ops: [op].flat(),
  values,
  ...(body === undefined ? {} : { body }),
});

/** The requests of one client, one after the other. They depend on the seed alone, never on what was answered. */
export class Requests {
  readonly #random: Random;
  readonly #client: number;
  readonly #nodes: readonly string[];
  readonly #beliefs = new Map<string, Belief>();
  /** The node that should keep the export of an instance. */
  readonly #exports = new Map<string, string>();

  constructor(random: Random, client: number, nodes: readonly string[]) {
    this.#random = random;
    this.#client = client;
    this.#nodes = nodes;
  }

  next(): ChaosRequest {
    for (;;) {
      const request = this.#make(this.#random.weighted(kinds));
      if (request) return request;
    }
  }

  /** A name for a new instance: one of this client's own or, seldom, one that all clients use. */
  #newName(): string {
    const names = Array.from({ length: 4 }, () => {
      const number = this.#random.int(1, 8);
      const owner = this.#random.chance(0.15) ? 'all' : `client${this.#client}`;
      return `vm${number}.${owner}.example.com`;
    });
    return names.find((name) => !this.#beliefs.has(name)) ?? (names[0] as string);
  }

  /** The name of an instance that should be there; null when there is none. */
  #known(): string | null {
    const names = [...this.#beliefs.keys()];
    return names.length === 0 ? null : this.#random.pick(names);
  }

  #disks(template: Template): { size: number }[] {
    if (template === 'diskless') return [];
    return Array.from({ length: this.#random.int(1, 2) }, () => ({ size: this.#random.int(1, 48) }));
  }

  #nics(): Record<string, string>[] {
    return Array.from({ length: this.#random.int(0, 2) }, () => this.#nic());
  }

  #nic(): Record<string, string> {
    return this.#random.chance(0.5) ? {} : { network: `net${this.#random.int(1, NETWORKS)}`, ip: 'pool' };
  }

  #make(kind: keyof typeof kinds): ChaosRequest | null {
    const random = this.#random;
    if (kind === 'cancel') return { kind, back: random.int(1, 3) };
    if (kind === 'create') return this.#create('create');
    if (kind === 'import') return this.#create('import');
    if (kind === 'several instances') return this.#several();
    return this.#ofCluster(kind) ?? this.#ofInstance(kind);
  }

  #create(mode: 'create' | 'import'): JobRequest {
    const random = this.#random;
    const name = this.#newName();
    const disk_template = random.pick(templates);
    const disks = this.#disks(disk_template);
    const nics = this.#nics();
    const start = random.chance(0.7);
    const [pnode, snode] = this.#twoNodes();
    const isPlaced = random.chance(0.7);
    const secret = random.chance(0.3);
    const known = [...this.#exports.keys()];
    const exported = known.length > 0 ? random.pick(known) : name;
    const source = this.#exports.get(exported) ?? pnode;
    this.#beliefs.set(name, { template: disk_template, isUp: start });
    const body = {
      __version__: 1,
      ...{ mode, name, disk_template, disks, nics, start },
      ...(mode === 'create' ? { os: 'chaos' } : { src_node: source, src_path: exported }),
      beparams: { memory: 64 },
      ...(isPlaced ? { pnode, ...(disk_template === 'drbd' ? { snode } : {}) } : {}),
      ...(secret ? { osparams_secret: { word: 'hidden' } } : {}),
    };
    return submitted('POST', '/2/instances', 'OP_INSTANCE_CREATE', { instance_name: name, mode }, body);
  }

  #several(): JobRequest {
    const instances = [1, 2].map(() => {
      const name = this.#newName();
      this.#beliefs.set(name, { template: 'file', isUp: true });
      return {
        ...{ mode: 'create', name, os: 'chaos', disk_template: 'file' },
        ...{ disks: [{ size: 8 }], nics: [], beparams: { memory: 64 } },
      };
    });
    return submitted('POST', '/2/instances-multi-alloc', 'OP_INSTANCE_MULTI_ALLOC', {}, { instances });
  }

  #twoNodes(): [string, string] {
    const first = this.#random.int(0, this.#nodes.length - 1);
    const second = (first + this.#random.int(1, Math.max(1, this.#nodes.length - 1))) % this.#nodes.length;
    return [this.#nodes[first] as string, this.#nodes[second] as string];
  }

  /** What does not concern an instance; null for a kind that does. */
  #ofCluster(kind: keyof typeof kinds): JobRequest | null {
    const random = this.#random;
    switch (kind) {
      case 'cluster tag': {
        const method = random.pick(['PUT', 'DELETE'] as const);
        const op = method === 'PUT' ? 'OP_TAGS_SET' : 'OP_TAGS_DEL';
        const tag = `tag${random.int(1, 4)}`;
        return submitted(method, `/2/tags?tag=${tag}`, op, { kind: 'cluster', tags: [tag] });
      }
      case 'group': {
        const name = `group${random.int(1, 2)}`;
        const action = random.pick(['add', 'add', 'rename', 'remove'] as const);
        if (action === 'add')
          return submitted('POST', '/2/groups', 'OP_GROUP_ADD', { group_name: name }, { group_name: name });
        if (action === 'remove')
          return submitted('DELETE', `/2/groups/${name}`, 'OP_GROUP_REMOVE', { group_name: name });
        const new_name = `group${random.int(1, 3)}`;
        const values = { group_name: name, new_name };
        return submitted('PUT', `/2/groups/${name}/rename`, 'OP_GROUP_RENAME', values, { new_name });
      }
      case 'assign nodes': {
        const group = random.chance(0.6) ? 'default' : `group${random.int(1, 2)}`;
        const nodes = [random.pick(this.#nodes)];
        const values = { group_name: group, nodes };
        return submitted('PUT', `/2/groups/${group}/assign-nodes`, 'OP_GROUP_ASSIGN_NODES', values, {
          nodes,
        });
      }
      case 'network': {
        const number = random.int(1, NETWORKS);
        const network_name = `net${number}`;
        if (random.chance(0.2))
          return submitted('DELETE', `/2/networks/${network_name}`, 'OP_NETWORK_REMOVE', { network_name });
        const body = { network_name, network: `10.7.${number}.0/28`, gateway: `10.7.${number}.1` };
        return submitted('POST', '/2/networks', 'OP_NETWORK_ADD', body, body);
      }
      case 'connect network': {
        const network_name = `net${random.int(1, NETWORKS)}`;
        const group_name = random.chance(0.8) ? 'default' : `group${random.int(1, 2)}`;
        const path = `/2/networks/${network_name}`;
        const values = { network_name, group_name };
        if (random.chance(0.15))
          return submitted('PUT', `${path}/disconnect`, 'OP_NETWORK_DISCONNECT', values, { group_name });
        const body = { group_name, network_mode: 'bridged', network_link: 'br0' };
        return submitted('PUT', `${path}/connect`, 'OP_NETWORK_CONNECT', values, body);
      }
      case 'network addresses': {
        const number = random.int(1, NETWORKS);
        const what = random.pick(['add_reserved_ips', 'remove_reserved_ips']);
        const body = { [what]: [`10.7.${number}.${random.int(2, 14)}`] };
        const values = { network_name: `net${number}`, ...body };
        return submitted('PUT', `/2/networks/net${number}/modify`, 'OP_NETWORK_SET_PARAMS', values, body);
      }
      case 'role': {
        const node = random.pick(this.#nodes);
        const role = random.pick(['drained', 'regular', 'regular', 'master-candidate']);
        const values = { node_name: node };
        return submitted('PUT', `/2/nodes/${node}/role?force=1`, 'OP_NODE_SET_PARAMS', values, role);
      }
      case 'evacuate': {
        const node = random.pick(this.#nodes);
        const mode = random.pick(['primary-only', 'secondary-only']);
        const values = { node_name: node, mode };
        return submitted('POST', `/2/nodes/${node}/evacuate`, 'OP_NODE_EVACUATE', values, { mode });
      }
      default:
        return null;
    }
  }

  #ofInstance(kind: keyof typeof kinds): JobRequest | null {
    const random = this.#random;
    const name = this.#known();
    const belief = name === null ? undefined : this.#beliefs.get(name);
    if (name === null || !belief) return null;
    const path = `/2/instances/${name}`;
    const values = { instance_name: name };
    const [node, other] = this.#twoNodes();
    switch (kind) {
      case 'remove':
        this.#beliefs.delete(name);
        return submitted('DELETE', path, 'OP_INSTANCE_REMOVE', values, { shutdown_timeout: 0 });
      case 'startup':
        belief.isUp = true;
        return submitted('PUT', `${path}/startup`, 'OP_INSTANCE_STARTUP', values);
      case 'shutdown':
        belief.isUp = false;
        return submitted('PUT', `${path}/shutdown`, 'OP_INSTANCE_SHUTDOWN', values, { timeout: 0 });
      case 'reboot': {
        const type = random.pick(['soft', 'hard', 'full']);
        belief.isUp = true;
        const wanted = { ...values, reboot_type: type };
        return submitted('POST', `${path}/reboot?type=${type}`, 'OP_INSTANCE_REBOOT', wanted);
      }
      case 'modify': {
        const body = { beparams: { vcpus: random.int(1, 4), maxmem: random.int(64, 128) } };
        return this.#change(name, body);
      }
      case 'change disks':
        if (belief.template === 'diskless') return null;
        return random.chance(0.6)
          ? this.#change(name, { disks: [['add', -1, { size: random.int(1, 32) }]], hotplug: belief.isUp })
          : this.#change(name, { disks: [['remove', -1, {}]], hotplug: belief.isUp });
      case 'change nics':
        return random.chance(0.6)
          ? this.#change(name, { nics: [['add', -1, this.#nic()]], hotplug: belief.isUp })
          : this.#change(name, { nics: [['remove', -1, {}]], hotplug: belief.isUp });
      case 'convert': {
        const disk_template = random.pick(templates.filter((template) => template !== 'diskless'));
        if (belief.isUp || belief.template === 'diskless') return null;
        belief.template = disk_template;
        const remote = disk_template === 'drbd' ? { remote_node: node } : {};
        return this.#change(name, { disk_template, ...remote });
      }
      case 'grow': {
        if (belief.template === 'diskless') return null;
        const amount = random.int(1, 16);
        const wanted = { ...values, disk: 0, amount };
        return submitted('POST', `${path}/disk/0/grow`, 'OP_INSTANCE_GROW_DISK', wanted, { amount });
      }
      case 'rename': {
        const new_name = this.#newName();
        if (belief.isUp || this.#beliefs.has(new_name)) return null;
        this.#beliefs.delete(name);
        this.#beliefs.set(new_name, belief);
        return submitted(
          'PUT',
          `${path}/rename`,
          'OP_INSTANCE_RENAME',
          { ...values, new_name },
          { new_name },
        );
      }
      case 'failover':
      case 'migrate': {
        const mirrored = belief.template === 'drbd';
        if (!mirrored && belief.template !== 'sharedfile') return null;
        const body = mirrored ? {} : { target_node: node };
        const op = kind === 'failover' ? 'OP_INSTANCE_FAILOVER' : 'OP_INSTANCE_MIGRATE';
        return submitted('PUT', `${path}/${kind}`, op, { ...values, ...body }, body);
      }
      case 'reinstall': {
        const start = random.chance(0.6);
        belief.isUp = start;
        const ops = [
          'OP_INSTANCE_SHUTDOWN',
          'OP_INSTANCE_REINSTALL',
          ...(start ? ['OP_INSTANCE_STARTUP'] : []),
        ];
        return submitted('POST', `${path}/reinstall`, ops, values, { os: 'chaos', start });
      }
      case 'replace disks': {
        if (belief.template !== 'drbd') return null;
        const mode = random.pick(['replace_on_primary', 'replace_on_secondary', 'replace_new_secondary']);
        const body = { mode, ...(mode === 'replace_new_secondary' ? { remote_node: other } : {}) };
        return submitted(
          'POST',
          `${path}/replace-disks`,
          'OP_INSTANCE_REPLACE_DISKS',
          { ...values, mode },
          body,
        );
      }
      case 'recreate disks':
        if (belief.isUp || belief.template === 'diskless') return null;
        return submitted('POST', `${path}/recreate-disks`, 'OP_INSTANCE_RECREATE_DISKS', values, {});
      case 'activate disks':
        if (belief.isUp) return null;
        return random.chance(0.5)
          ? submitted('PUT', `${path}/activate-disks`, 'OP_INSTANCE_ACTIVATE_DISKS', values)
          : submitted('PUT', `${path}/deactivate-disks`, 'OP_INSTANCE_DEACTIVATE_DISKS', values);
      case 'export': {
        const remove_instance = random.chance(0.1);
        if (remove_instance) this.#beliefs.delete(name);
        this.#exports.set(name, node);
        const shutdown = remove_instance || random.chance(0.6);
        const body = { mode: 'local', destination: node, shutdown, shutdown_timeout: 0, remove_instance };
        const wanted = { ...values, target_node: node, remove_instance };
        return submitted('PUT', `${path}/export`, 'OP_BACKUP_EXPORT', wanted, body);
      }
      case 'remove export':
        this.#exports.delete(name);
        return submitted('DELETE', `${path}/export`, 'OP_BACKUP_REMOVE', values);
      case 'tag': {
        const tag = `tag${random.int(1, 4)}`;
        const method = random.pick(['PUT', 'PUT', 'DELETE'] as const);
        const op = method === 'PUT' ? 'OP_TAGS_SET' : 'OP_TAGS_DEL';
        return submitted(method, `${path}/tags?tag=${tag}`, op, { kind: 'instance', name, tags: [tag] });
      }
      default:
        return null;
    }
  }

  #change(instance_name: string, body: Record<string, unknown>): JobRequest {
    const { disks: _disks, nics: _nics, ...plain } = body;
    const path = `/2/instances/${instance_name}/modify`;
    return submitted('PUT', path, 'OP_INSTANCE_SET_PARAMS', { instance_name, ...plain }, body);
  }
}
