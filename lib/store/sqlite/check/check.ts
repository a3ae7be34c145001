// `merapi check`: verifies a store without changing it, from the file itself up to the meaning of its rows. Each part reports to
// Findings; a part that cannot be read does not keep the others from running.
import { stat } from 'node:fs/promises';
import Database from 'better-sqlite3';
import { errorText, MerapiError } from '../../../base/errors.ts';
import type { Seal } from '../../../base/seal.ts';
import { schemaOf } from '../migrate.ts';
import { checkFile } from './file.ts';
import { checkJobs } from './jobs.ts';
import { checkNetworks } from './networks.ts';
import { readObjects } from './objects.ts';
import { openForCheck, type ReadableStore } from './open.ts';
import { checkOpenJobs } from './open-jobs.ts';
import type { Findings } from './problem.ts';
import { checkReferences } from './references.ts';
import { checkSecrets } from './secrets.ts';

/** The contents of a store, as far as it can be read. */
export interface StoreSummary {
  cluster: string | null;
  nodes: number;
  instances: number;
  /** Jobs that have not ended. */
  openJobs: number;
}

const nothing: StoreSummary = { cluster: null, nodes: 0, instances: 0, openJobs: 0 };

/**
 * Verifies a store at one moment, also while a master writes to it, and changes nothing. Without the seal, sealed values are not
 * checked. @throws MerapiError unavailable when the file is missing, cannot be opened or is from a newer Merapi
 */
export async function checkStore(
  file: string,
  seal: Pick<Seal, 'open'> | null,
  findings: Findings,
): Promise<StoreSummary> {
  if ((await sizeOf(file)) === 0) {
    findings.add('database', file, 'is empty');
    return nothing;
  }
  let store: ReadableStore;
  try {
    store = await openForCheck(file);
  } catch (error) {
    if (!(error instanceof Database.SqliteError)) throw error;
    if (/^SQLITE_(BUSY|CANTOPEN|PERM|IOERR)/.test(error.code)) throw cannotOpen(file, error);
    findings.add('database', file, `is not a database, or is damaged: ${errorText(error)}`);
    return nothing;
  }
  try {
    return checkDatabase(store.database, file, seal, findings);
  } finally {
    await store.close();
  }
}

function checkDatabase(
  database: Database.Database,
  file: string,
  seal: Pick<Seal, 'open'> | null,
  findings: Findings,
): StoreSummary {
  if (schemaOf(database) === 0) {
    findings.add('database', file, 'is not a store of Merapi');
    return nothing;
  }
  checkFile(database, findings);
  const objects = readObjects(database, findings);
  checkReferences(objects, findings);
  checkNetworks(objects, findings);
  checkJobs(database, findings);
  const openJobs = checkOpenJobs(database, findings);
  if (seal) checkSecrets(database, objects, seal, findings);
  const [cluster] = objects.cluster.values();
  const { node, instance } = objects;
  return { cluster: cluster?.name ?? null, nodes: node.size, instances: instance.size, openJobs };
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (cause) {
    throw cannotOpen(file, cause);
  }
}

function cannotOpen(file: string, cause: unknown): MerapiError {
  return new MerapiError('unavailable', `The store ${file} cannot be opened: ${errorText(cause)}`, { cause });
}
