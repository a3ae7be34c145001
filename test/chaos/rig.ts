import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { layoutOf } from '../../lib/app/layout.ts';
import { readFileOrNull } from '../../lib/base/files.ts';
import { folderHolder } from '../../lib/node/lock.ts';
import { Client } from '../helpers/client.ts';
import { conformance, eventually, Programs } from '../helpers/program.ts';
import { Kept } from './kept.ts';
import { TcpProxy } from './proxy.ts';

/** The disk templates of the cluster, the first one that of instances that name none. */
export const templates = ['file', 'sharedfile', 'diskless', 'drbd', 'plain'] as const;
export type Template = (typeof templates)[number];

/** One node: its worker's folder, its worker, and the proxy by which the master reaches it. */
export interface Host {
  name: string;
  folder: string;
  worker: Kept;
  proxy: TcpProxy;
}

/** Something that a program did which nobody asked it to. */
export interface OwnEnd {
  name: string;
  /** Milliseconds since 1970. */
  time: number;
  stderr: string;
}

/**
 * A cluster of processes of their own: FOLDER/state is the master's, FOLDER/hosts/NAME that of a node's worker, as if on a
 * machine of its own; the master is told that each worker listens where the proxy does.
 */
export class Rig {
  readonly folder: string;
  readonly master: Kept;
  readonly hosts: readonly Host[];
  readonly ownEnds: OwnEnd[];
  /** The last job of those that made the cluster. */
  setupJobs = 0;
  readonly #programs: Programs;

  private constructor(parts: {
    folder: string;
    master: Kept;
    hosts: Host[];
    programs: Programs;
    ownEnds: OwnEnd[];
  }) {
    this.folder = parts.folder;
    this.master = parts.master;
    this.hosts = parts.hosts;
    this.ownEnds = parts.ownEnds;
    this.#programs = parts.programs;
  }

  get state(): string {
    return join(this.folder, 'state');
  }

  /** The folder of disks that all nodes see, and that of the simulated storage that they share. */
  get shared(): string {
    return join(this.folder, 'shared');
  }
  get common(): string {
    return join(this.folder, 'common');
  }

  /** Makes a cluster of so many nodes in a folder and starts it. */
  static async start(folder: string, count: number): Promise<Rig> {
    const programs = new Programs();
    const ownEnds: OwnEnd[] = [];
    const ownEnd = (name: string, { stderr }: { stderr: string }) =>
      void ownEnds.push({ name, time: Date.now(), stderr });
    const state = join(folder, 'state');
    const names = Array.from({ length: count }, (_, index) => `node${index + 1}.example.com`);
    const file = join(folder, 'cluster.json');
    await writeFile(file, JSON.stringify(await clusterFile(folder, names)));
    const made = await programs.run(['init', '--dir', state, '--cluster', file]);
    if (made.code !== 0) throw new Error(`merapi init failed: ${made.stderr}`);
    const hosts = await Promise.all(
      names.map(async (name): Promise<Host> => {
        const own = await moveOut(folder, name);
        const proxy = await TcpProxy.start(() => portOf(own));
        const place = layoutOf(state).nodeFolder(name);
        await mkdir(place, { recursive: true });
        await writeFile(join(place, 'endpoint'), `127.0.0.1 ${proxy.port}\n`);
        const worker = new Kept({
          name,
          start: () => programs.start(own, ['node', '--dir', own]),
          ready: (program) =>
            eventually(`the worker of ${name} listens`, async () => {
              if (!program.isRunning) throw new Error(`The worker ended: ${program.stderr}`);
              return lockedBy(own, program.child.pid);
            }),
          ownEnd,
        });
        return { name, folder: own, worker, proxy };
      }),
    );
    const args = ['master', '--dir', state, '--port', '0', '--no-ssl', '--users', `${conformance}users`];
    const master = new Kept({
      name: 'master',
      start: () => programs.start(state, args),
      ready: (program) => program.ready(),
      ownEnd,
    });
    const rig = new Rig({ folder, master, hosts, programs, ownEnds });
    try {
      await rig.startAll();
      await rig.#setUp();
    } catch (error) {
      await rig.close();
      throw error;
    }
    return rig;
  }

  /** Lets the nodes join, and gives the cluster the networks that the clients use. */
  async #setUp(): Promise<void> {
    const client = await this.client();
    for (const { id } of await client.get<{ id: string }[]>('/2/jobs')) await client.jobEnd(Number(id));
    for (const number of [1, 2, 3]) {
      const network_name = `net${number}`;
      await client.done('POST', '/2/networks', { network_name, network: `10.7.${number}.0/28` });
      const link = { group_name: 'default', network_mode: 'bridged', network_link: 'br0' };
      this.setupJobs = (await client.done('PUT', `/2/networks/${network_name}/connect`, link)).id;
    }
  }

  async startAll(): Promise<void> {
    await Promise.all(this.hosts.map(({ worker }) => worker.start()));
    await this.master.start();
  }

  /** A client of the master that serves now, or of the next one. */
  async client(user: [string, string] | null = ['admin', 'secret']): Promise<Client> {
    const program = await eventually('the master serves', async () => this.master.serving);
    return new Client(program.url, user, null);
  }

  /** Ends everything in order; fails where something does not end as it should. */
  async stop(): Promise<void> {
    await this.master.stop();
    await Promise.all(this.hosts.map(({ worker }) => worker.stop()));
  }

  /** Ends what is left, whatever state it is in. */
  async close(): Promise<void> {
    await this.#programs.close();
    await Promise.all(this.hosts.map(({ proxy }) => proxy.close()));
  }
}

async function clusterFile(folder: string, names: readonly string[]): Promise<object> {
  const spec = JSON.parse(await readFile(`${conformance}cluster.json`, 'utf8')) as object;
  return {
    ...spec,
    enabled_disk_templates: templates,
    shared_file_storage_dir: join(folder, 'shared'),
    os_search_path: [await osFolder(folder)],
    nodes: names.map((name, index) => ({ name, primary_ip: `198.51.100.${11 + index}` })),
  };
}

/** Makes a folder with an OS definition whose scripts take a moment, so that faults find them running. */
async function osFolder(folder: string): Promise<string> {
  const definition = join(folder, 'os', 'chaos');
  await mkdir(definition, { recursive: true });
  await writeFile(join(definition, 'ganeti_api_version'), '20\n');
  await writeFile(join(definition, 'parameters.list'), 'word any word\n');
  await writeFile(join(definition, 'variants.list'), '');
  const scripts = { create: '', rename: '', verify: '', export: 'echo data', import: 'cat >/dev/null' };
  for (const [name, line] of Object.entries(scripts))
    await writeFile(join(definition, name), `#!/bin/sh\nsleep 0.1\n${line}\n`, { mode: 0o755 });
  return join(folder, 'os');
}

/** Takes a node's folder out of the master's; its new place. */
async function moveOut(folder: string, name: string): Promise<string> {
  const hosts = join(folder, 'hosts');
  const own = join(hosts, name);
  await mkdir(hosts, { recursive: true });
  const from = layoutOf(join(folder, 'state')).nodeFolder(name);
  const settings = JSON.parse(await readFile(join(from, 'node.json'), 'utf8'));
  const paths = settings.paths.map((path: object) => ({ ...path, to: join(own, 'file-storage') }));
  await mkdir(own);
  for (const file of ['node.pem', 'node.key', 'ca.pem'])
    await writeFile(join(own, file), await readFile(join(from, file)), { mode: 0o600 });
  await writeFile(
    join(own, 'node.json'),
    JSON.stringify({ ...settings, paths, common: join(folder, 'common') }),
  );
  await rm(from, { recursive: true });
  return own;
}

async function portOf(folder: string): Promise<number | null> {
  const text = await readFileOrNull(join(folder, 'endpoint'));
  return text === null ? null : Number(text.trim().split(' ')[1]);
}

/** True when the worker with this id has the folder and listens. */
async function lockedBy(folder: string, pid: number | undefined): Promise<true | null> {
  return (await folderHolder(folder))?.pid === pid && (await portOf(folder)) !== null ? true : null;
}

/** Replaces a file atomically; two replacements at the same time are made one after the other, in any order. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const part = `${path}.${randomUUID()}.part`;
  await writeFile(part, text);
  await rename(part, path);
}
