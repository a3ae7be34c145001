// Cluster files: descriptions of a cluster to create. Also makes the description of a one-node cluster for `merapi up` without a file.

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
 * Reads a cluster file. Relative search paths in it start at the folder of the file, relative storage folders at the state folder.
 * @throws MerapiError configuration naming the file and everything in it that is invalid
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
  return withAbsolutePaths(parseSpec(file, content), dirname(resolve(file)), dir);
}

/**
 * Checks the names of nodes that will be created. Not for nodes that a cluster has already: older releases allowed more names.
 * @throws MerapiError configuration naming the first that is invalid
 */
export function checkNewNodes(nodes: ClusterSpec['nodes']): void {
  try {
    for (const { name } of nodes) nodeName(name);
  } catch (cause) {
    throw new MerapiError('configuration', `The cluster file is invalid: ${errorText(cause)}`, { cause });
  }
}

function parseSpec(file: string, content: unknown): ClusterSpec {
  const wrongText = textFault(content, { name: 'it', lines: true, together: false });
  if (wrongText) throw new MerapiError('configuration', `The cluster file ${file} is invalid: ${wrongText}`);
  const parsed = ClusterSpec.safeParse(content);
  if (!parsed.success) {
    const problems = faultTexts(ClusterSpec, parsed.error.issues, content);
    throw new MerapiError('configuration', `The cluster file ${file} is invalid: ${problems.join('; ')}`);
  }
  const names = parsed.data.nodes.map((node) => node.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice) throw new MerapiError('configuration', `The cluster file ${file} names node ${twice} twice`);
  const { master } = parsed.data;
  if (master !== undefined && !names.includes(master))
    throw new MerapiError(
      'configuration',
      `The cluster file ${file} names ${master} as master, which is not one of its nodes`,
    );
  try {
    firstObjects(parsed.data, systemWorld); // checks the types of hypervisor and backend parameters, which the schema does not
  } catch (cause) {
    throw new MerapiError('configuration', `The cluster file ${file} is invalid: ${errorText(cause)}`, {
      cause,
    });
  }
  return parsed.data;
}

function withAbsolutePaths(spec: ClusterSpec, fileFolder: string, dir: string): ClusterSpec {
  return {
    ...spec,
    os_search_path: spec.os_search_path.map((path) => resolve(fileFolder, path)),
    iallocator_search_path: spec.iallocator_search_path.map((path) => resolve(fileFolder, path)),
    file_storage_dir: resolve(dir, spec.file_storage_dir),
    shared_file_storage_dir: resolve(dir, spec.shared_file_storage_dir),
  };
}

const QEMU = 'qemu-system-x86_64';

/** The path of a program in PATH; null when it is not there. */
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

/** The node name for this machine: its host name, with everything replaced that a node name may not have. */
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
 * The cluster that is created when no file describes one: this machine as the only node, with real guests in QEMU. `osFolder` is the
 * search path for OS definitions; the demo guest is there when it has been built.
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
  return withAbsolutePaths(spec, '/', dir);
}
