import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { layoutOf } from '../../lib/app/layout.ts';
import { storeOf } from '../../lib/app/store.ts';
import { systemClock } from '../../lib/base/clock.ts';
import { put } from '../../lib/store/changes.ts';
import { aNic, anInstance } from '../helpers/view.ts';

/** How big the cluster of a measured server is. */
export interface Size {
  readonly instances: number;
  readonly archived: number;
}

/** Writes a cluster file with three simulated nodes; answers its path. */
export async function clusterFile(folder: string): Promise<string> {
  const file = join(folder, 'cluster.json');
  const cluster = {
    name: 'bench.example.com',
    enabled_hypervisors: ['fake'],
    enabled_disk_templates: ['diskless', 'file'],
    nodes: [1, 2, 3].map((number) => ({
      name: `node${number}.example.com`,
      primary_ip: `198.51.100.1${number}`,
    })),
  };
  await writeFile(file, JSON.stringify(cluster));
  return file;
}

/** Puts instances and archived jobs into the store of a cluster whose master does not run. */
export async function seed(dir: string, { instances, archived }: Size): Promise<void> {
  const layout = layoutOf(dir);
  const store = await storeOf(layout)(systemClock);
  const nodes = store.view.nodes.list();
  const uuid = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
  await store.commit({ job: null }, () =>
    Array.from({ length: instances }, (_, number) =>
      put(
        'instance',
        anInstance(`inst${number}`, {
          uuid: uuid(number),
          primary_node: nodes[number % nodes.length]?.uuid ?? '',
          disk_template: 'diskless',
          hypervisor: 'fake',
          os: '',
          nics: [aNic(uuid(1e9 + number))],
          beparams: { maxmem: 256, minmem: 128 },
          admin_state: 'down',
        }),
      ),
    ),
  );
  await store.close();
  if (archived > 0) addArchived(layout.database, archived);
}

function addArchived(file: string, count: number): void {
  const database = new Database(file);
  database.pragma('synchronous = OFF');
  const [{ last }] = database.prepare("SELECT value AS last FROM meta WHERE key = 'last_job'").all() as [
    { last: number },
  ];
  const now = Date.now() / 1000 - 86_400;
  const job = database.prepare(
    `INSERT INTO jobs (id, status, priority, received, start, "end", archived) VALUES (?, 'success', 0, ?, ?, ?, 1)`,
  );
  const op = database.prepare(
    `INSERT INTO job_ops (job, op, input, resolved, status, result, start, exec, "end") VALUES (?, 0, ?, '{}', 'success', 'null', ?, ?, ?)`,
  );
  const log = database.prepare(
    `INSERT INTO job_log (job, serial, op, time, type, text) VALUES (?, 1, 0, ?, 'message', 'Starting the instance')`,
  );
  const input = JSON.stringify({
    ...{ OP_ID: 'OP_INSTANCE_STARTUP', instance_name: 'inst1.example.com', debug_level: 0, priority: 0 },
    ...{ depends: null, comment: null, force: false, hvparams: {}, beparams: {}, dry_run: false },
    reason: [['gnt:library:rlib2:instances_name_startup', '', 1795226758000000000]],
  });
  database.transaction(() => {
    for (let id = last + 1; id <= last + count; id++) {
      job.run(id, now, now, now);
      op.run(id, input, now, now, now);
      log.run(id, now);
    }
    database.prepare("UPDATE meta SET value = ? WHERE key = 'last_job'").run(last + count);
  })();
  database.pragma('wal_checkpoint(TRUNCATE)');
  database.close();
}
