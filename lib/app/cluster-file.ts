import { access, readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { errorText, MerapiError } from '../base/errors.ts';
import { parseJsonInSlices } from '../base/json-slices.ts';
import { faultTexts } from '../base/schema-words.ts';
import { systemWorld } from '../base/world.ts';
import { ClusterSpec, firstObjects } from '../manager/cluster-spec.ts';
import { nodeName } from '../model/names.ts';
import { textFault } from '../model/texts.ts';

/**
 * Reads a cluster file: search paths are relative to the file, storage folders are relative to the state folder.
 * @throws MerapiError configuration naming the file and each thing in it that is not right
 */
export async function readClusterFile(file: string, dir: string): Promise<ClusterSpec> {
  let content: unknown;
  try {
    content = await parseJsonInSlices(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new MerapiError('configuration', `The cluster file ${file} cannot be read: ${errorText(cause)}`, {
      cause,
    });
  }
  return placed(parseSpec(file, content), dirname(resolve(file)), dir);
}

/**
 * Looks at the names of nodes that are to be made; those that a cluster has already stay.
 * @throws MerapiError configuration naming the one that is not possible
 */
export function checkNewNodes(nodes: ClusterSpec['nodes']): void {
  try {
    for (const { name } of nodes) nodeName(name);
  } catch (cause) {
    throw new MerapiError('configuration', `The cluster file is not right: ${errorText(cause)}`, { cause });
  }
}

function parseSpec(file: string, content: unknown): ClusterSpec {
  const wrongText = textFault(content, { name: 'it', lines: true, together: false });
  if (wrongText)
    throw new MerapiError('configuration', `The cluster file ${file} is not right: ${wrongText}`);
  const parsed = ClusterSpec.safeParse(content);
  if (!parsed.success) {
    const problems = faultTexts(ClusterSpec, parsed.error.issues, content);
    throw new MerapiError('configuration', `The cluster file ${file} is not right: ${problems.join('; ')}`);
  }
  const names = parsed.data.nodes.map((node) => node.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice) throw new MerapiError('configuration', `The cluster file ${file} names node ${twice} twice`);
  const { master } = parsed.data;
  if (master !== undefined && !names.includes(master))
    throw new MerapiError(
      'configuration',
      `The cluster file ${file} names ${master} as master, which is no node of it`,
    );
  try {
    firstObjects(parsed.data, systemWorld); // parameters of hypervisors and backends have types of their own
  } catch (cause) {
    throw new MerapiError('configuration', `The cluster file ${file} is not right: ${errorText(cause)}`, {
      cause,
    });
  }
  return parsed.data;
}

function placed(spec: ClusterSpec, fileFolder: string, dir: string): ClusterSpec {
  return {
    ...spec,
    os_search_path: spec.os_search_path.map((path) => resolve(fileFolder, path)),
    iallocator_search_path: spec.iallocator_search_path.map((path) => resolve(fileFolder, path)),
    file_storage_dir: resolve(dir, spec.file_storage_dir),
    shared_file_storage_dir: resolve(dir, spec.shared_file_storage_dir),
  };
}

const QEMU = 'qemu-system-x86_64';

/** The path of a program that is on the search path; null when there is none. */
async function findProgram(name: string): Promise<string | null> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, name);
    const found = await access(path).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  return null;
}

/** What this machine is called as a node: by its host name, as far as that can be a node's. */
export function localName(host: string): string {
  const name =
    host
      .toLowerCase()
      .replace(/[^a-z0-9.-]/g, '-')
      .replace(/^[.-]+|[.-]+$/g, '') || 'localhost';
  try {
    return nodeName(name);
  } catch {
    return `node-${name}`;
  }
}

/**
 * The cluster that is made where no file describes one: this machine as the only node, running real guests with QEMU. The
 * demo guest's OS definition is found when it has been built (`osFolder`).
 * @throws MerapiError configuration when QEMU is not installed
 */
export async function localCluster(dir: string, osFolder: string): Promise<ClusterSpec> {
  const qemu = await findProgram(QEMU);
  if (!qemu)
    throw new MerapiError(
      'configuration',
      `${QEMU} is not installed (on Debian: apt-get install qemu-system-x86); install it, or give a cluster file with --cluster`,
    );
  const name = localName(hostname());
  const spec = parseSpec('of this machine', {
    name: 'merapi',
    enabled_hypervisors: ['kvm'],
    enabled_disk_templates: ['file', 'diskless'],
    os_search_path: [osFolder],
    hvparams: { kvm: { kvm_path: qemu, kernel_path: '', serial_console: true } },
    ipolicy: {
      minmax: [
        {
          min: {
            'memory-size': 16,
            'disk-size': 1,
            'disk-count': 0,
            'cpu-count': 1,
            'nic-count': 0,
            'spindle-use': 1,
          },
          max: {
            'memory-size': 1048576,
            'disk-size': 67108864,
            'disk-count': 16,
            'cpu-count': 128,
            'nic-count': 8,
            'spindle-use': 64,
          },
        },
      ],
    },
    nodes: [{ name, primary_ip: '127.0.0.1' }],
  });
  return placed(spec, '/', dir);
}
