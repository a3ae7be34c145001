import type { DataFile, EndState, NodeState, StoredDisk, StoredInstance } from '../state.ts';
import { type Check, type Finding, isSame, repeated } from './finding.ts';

/** Disks cannot shrink again. */
const growing = ['OP_INSTANCE_GROW_DISK'];

/** What a finding is that a failed job may explain. */
function excusable(
  text: string,
  subjects: readonly string[],
  { failed = [], ...rest }: { failed?: readonly string[]; since?: number; isNameless?: boolean } = {},
): Finding {
  return { text, subjects, excuse: { failed }, ...rest };
}

/** A finding about a disk, which no job explains that ended before its instance was made. */
function ofDisk(
  text: string,
  disk: StoredDisk,
  user: StoredInstance | undefined,
  failed: readonly string[] = [],
): Finding {
  const subjects = user ? [disk.uuid, user.name, user.uuid] : [disk.uuid];
  return excusable(text, subjects, { failed, ...(user ? { since: user.ctime } : {}) });
}

const guests: Check = {
  name: 'guests run where and only where the cluster says',
  find: (state) => {
    const { objects, nodes } = state;
    const all = Object.entries(nodes).flatMap(([node, own]) =>
      own.guests.map((guest) => ({ node, ...guest })),
    );
    const nodeOf = ({ primary_node }: StoredInstance) =>
      objects.nodes.find(({ uuid }) => uuid === primary_node)?.name;
    const strange = all.filter(
      ({ node, uuid, name }) =>
        !objects.instances.some((each) => each.uuid === uuid && each.name === name && nodeOf(each) === node),
    );
    return [
      ...strange.map(({ node, name, uuid, state }) =>
        excusable(`A guest ${name} is on ${node} (${state}) and should not`, [name, uuid]),
      ),
      ...objects.instances.flatMap((instance) => {
        const guest = all.find(({ uuid, node }) => uuid === instance.uuid && node === nodeOf(instance));
        const runs = guest?.state === 'running';
        const where = `${instance.name} on ${nodeOf(instance)}`;
        const subjects = [instance.name, instance.uuid];
        if (runs !== (instance.admin_state === 'up'))
          return [
            excusable(
              `${where} is meant to be ${instance.admin_state}; it is ${guest?.state ?? 'not there'}`,
              subjects,
              { since: instance.ctime },
            ),
          ];
        return guest && runs ? wrongDevices(instance, guest.devices) : [];
      }),
    ];
  },
};

function wrongDevices(instance: StoredInstance, devices: readonly string[]): Finding[] {
  // What was changed without the guest counts from its next start, so a guest may have others; never one twice.
  return repeated(devices).map((uuid) =>
    excusable(`${instance.name} has the device ${uuid} twice`, [instance.name]),
  );
}

const statuses: Check = {
  name: 'the API tells what runs',
  find: ({ shown, nodes }) =>
    shown.instances.flatMap(({ name, status, pnode, admin_state }) => {
      const guest = nodes[pnode]?.guests.find((each) => each.name === name);
      const runs = guest?.state === 'running';
      const wanted = runs
        ? ['running', 'ERROR_up']
        : admin_state === 'up'
          ? ['ERROR_down']
          : ['ADMIN_down', 'ADMIN_offline'];
      const elsewhere = Object.values(nodes).filter((node) => node.guests.some((each) => each.name === name));
      const isWrong = !wanted.includes(status) && !(status === 'ERROR_wrongnode' && elsewhere.length > 0);
      return isWrong
        ? [{ text: `${name} is told as ${status}; wanted is ${wanted.join(' or ')}`, subjects: [name] }]
        : [];
    }),
};

/** Where the data of a disk is to be: a kind of place, whose it is, and the path there. */
function placeOf(state: EndState, disk: StoredDisk): { files: readonly DataFile[]; path: string } | null {
  const { cluster, instances, nodes } = state.objects;
  const user = instances.find(({ uuid }) => uuid === disk.instance);
  const node = nodes.find(({ uuid }) => uuid === user?.primary_node)?.name;
  const own = node === undefined ? undefined : state.nodes[node];
  const [first, second] = disk.logical_id.map(String);
  switch (disk.dev_type) {
    case 'file':
      return { files: own?.files ?? [], path: below(cluster.file_storage_dir, second) };
    case 'sharedfile':
      return { files: state.shared, path: below(cluster.shared_file_storage_dir, second) };
    case 'plain':
      return { files: own?.volumes ?? [], path: `${first}/${second}` };
    default:
      return null;
  }
}

const below = (folder: string, path = '') =>
  path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : path;

const data: Check = {
  name: 'the data of every disk is there, as big as it should be',
  find: (state) =>
    state.objects.disks.flatMap((disk) => {
      const user = state.objects.instances.find(({ uuid }) => uuid === disk.instance);
      const place = placeOf(state, disk);
      if (!place || !user) return [];
      const file = place.files.find(({ path }) => path === place.path);
      if (!file)
        return [ofDisk(`Disk ${disk.uuid} (${disk.dev_type}) of ${user.name} has no data`, disk, user)];
      return file.size === disk.size
        ? []
        : [
            ofDisk(
              `Disk ${disk.uuid} of ${user.name} has ${file.size} MiB, not ${disk.size}`,
              disk,
              user,
              growing,
            ),
          ];
    }),
};

const leftData: Check = {
  name: 'no data of disks that are not there',
  find: (state) => {
    const known = new Set(
      state.objects.disks.map((disk) => {
        const user = state.objects.instances.find(({ uuid }) => uuid === disk.instance);
        const node = state.objects.nodes.find(({ uuid }) => uuid === user?.primary_node)?.name;
        return `${disk.dev_type === 'sharedfile' ? '' : node}:${placeOf(state, disk)?.path}`;
      }),
    );
    const left = (node: string, where: string, files: readonly DataFile[]) =>
      files
        .filter(({ path }) => !known.has(`${node}:${path}`))
        // A volume group may be empty; the folder of an instance may not.
        .filter(({ path, size }) => size >= 0 || (where !== 'volume' && !known.has(`${node}:${path}`)))
        .map(({ path, size, time }) => {
          const [folder = '', file = ''] = path.split('/');
          const what = size < 0 ? 'The empty folder' : `The ${where}`;
          const subjects = where === 'volume' ? [file.split('.')[0] ?? file] : [folder];
          return excusable(`${what} ${path} ${node && `on ${node} `}is of no disk`, subjects, {
            since: time,
            isNameless: where === 'volume',
          });
        });
    return [
      ...Object.entries(state.nodes).flatMap(([name, { files, volumes }]) => [
        ...left(name, 'file', files),
        ...left(name, 'volume', volumes),
      ]),
      ...left('', 'shared file', state.shared),
    ];
  },
};

const sides: Check = {
  name: 'mirrors have two sides, on their nodes, and are active where they should be',
  find: ({ objects, mirrors }) => {
    const nameOf = (uuid: unknown) => objects.nodes.find((node) => node.uuid === uuid)?.name ?? '';
    const known = objects.disks.filter(({ dev_type }) => dev_type === 'drbd');
    const strange = Object.entries(mirrors).filter(([uuid]) => !known.some((disk) => disk.uuid === uuid));
    return [
      ...strange.map(([uuid, { time }]) =>
        excusable(`The mirror ${uuid} is of no disk`, [uuid], { since: time, isNameless: true }),
      ),
      ...known.flatMap((disk) => {
        const user = objects.instances.find(({ uuid }) => uuid === disk.instance);
        const mirror = mirrors[disk.uuid];
        const names = disk.logical_id.slice(0, 2).map(nameOf).sort();
        const found = Object.keys(mirror?.sides ?? {}).sort();
        if (!isSame(names, found))
          return [
            ofDisk(
              `Mirror ${disk.uuid} has sides on ${found.join(', ') || 'no node'}, not ${names.join(', ')}`,
              disk,
              user,
            ),
          ];
        if (mirror?.data !== disk.size || Object.values(mirror.sides).some(({ size }) => size !== disk.size))
          return [ofDisk(`Mirror ${disk.uuid} has not ${disk.size} MiB everywhere`, disk, user, growing)];
        return user ? wrongRoles(user, nameOf(user.primary_node), disk, mirror) : [];
      }),
    ];
  },
};

function wrongRoles(
  user: StoredInstance,
  primary: string,
  disk: StoredDisk,
  { sides: found }: EndState['mirrors'][string],
): Finding[] {
  const isActive = user.admin_state === 'up' || user.disks_active === true;
  return Object.entries(found)
    .filter(([node, side]) => side.active !== isActive || side.primary !== (isActive && node === primary))
    .map(([node, { active, primary: role }]) =>
      ofDisk(
        `The side of mirror ${disk.uuid} on ${node} is ${active ? 'active' : 'inactive'}, ${role ? 'primary' : 'secondary'}; ${user.name} is ${user.admin_state} on ${primary}`,
        disk,
        user,
      ),
    );
}

const leftovers: Check = {
  name: 'nothing unfinished is left on nodes',
  find: ({ nodes, debris, mirrors }) => [
    ...Object.entries(nodes).flatMap(([node, state]) => leftOn(node, state)),
    // What is in the folder of a mirror goes with it.
    ...debris
      .filter((file) => !Object.hasOwn(mirrors, file.split('/')[1] ?? ''))
      .map((file) => ({ text: `${file} is what an interrupted write left`, subjects: [] })),
  ],
};

function leftOn(node: string, { hidden, scripts, debris, exports }: NodeState): Finding[] {
  return [
    ...hidden.map((name) => excusable(`An unfinished export ${name} is on ${node}`, [name.slice(1, -4)])),
    ...scripts.map((name) => ({
      text: `The record of a script ${name} is on ${node}`,
      subjects: [name.split('.')[0] ?? name],
    })),
    ...debris.map((file) => ({ text: `${file} on ${node} is what an interrupted write left`, subjects: [] })),
    ...Object.entries(exports)
      .filter(([, files]) => !files.includes('config.ini'))
      .map(([name]) => ({ text: `The export of ${name} on ${node} has no config.ini`, subjects: [name] })),
  ];
}

/** What must be true of the nodes. */
export const nodeChecks: readonly Check[] = [guests, statuses, data, leftData, sides, leftovers];
