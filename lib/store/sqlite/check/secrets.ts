import type Database from 'better-sqlite3';
import { errorText } from '../../../base/errors.ts';
import { parseJson } from '../../../base/json.ts';
import type { Seal } from '../../../base/seal.ts';
import type { SoundObjects } from './objects.ts';
import type { Findings } from './problem.ts';

const KEY = 'put back the secret.key that belongs to this store (merapi restore does)';

/** Checks that all sealed values (private OS parameters, secrets of jobs) can be opened with the cluster's key and are objects. */
export function checkSecrets(
  database: Database.Database,
  objects: SoundObjects,
  seal: Pick<Seal, 'open'>,
  findings: Findings,
): void {
  const check = (about: string, sealed: string) => {
    const wrong = wrongIn(seal, sealed);
    if (wrong !== null) findings.add('secret', about, wrong, KEY);
  };
  for (const kind of ['cluster', 'instance'] as const)
    for (const { name, osparams_private: sealed } of objects[kind].values())
      if (sealed !== null) check(`the private OS parameters of ${kind} ${name}`, sealed);
  findings.during('the table job_secrets', () => {
    const rows = database.prepare('SELECT job, op, sealed FROM job_secrets').iterate();
    for (const { job, op, sealed } of rows as Iterable<Record<'job' | 'op' | 'sealed', unknown>>)
      check(`the secrets of job ${job}, opcode ${op}`, String(sealed));
  });
}

function wrongIn(seal: Pick<Seal, 'open'>, sealed: string): string | null {
  try {
    const values = parseJson(seal.open(sealed));
    const isObject = values !== null && typeof values === 'object' && !Array.isArray(values);
    return isObject ? null : 'are not an object';
  } catch (error) {
    return `cannot be opened: ${errorText(error)}`;
  }
}
