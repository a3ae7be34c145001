// Lists of the cluster after a request: enabled hypervisors and disk templates, names of OSes, ranges of user ids, data collectors.

import { isAbsolute } from 'node:path';
import { MerapiError } from '../../base/errors.ts';
import { dataCollectors } from '../../model/cluster.ts';
import type { HypervisorName } from '../../model/hvparams/index.ts';
import type { DiskTemplate } from '../../model/templates/index.ts';
import type { ClusterView } from '../../model/view.ts';

const wrong = (text: string) => new MerapiError('wrong_input', text);

/**
 * The enabled hypervisors after a request.
 * @throws MerapiError wrong_input for an empty list or a duplicate, wrong_state when an instance uses one that is left out
 */
export function newHypervisors(view: ClusterView, wanted: readonly HypervisorName[]): HypervisorName[] {
  checkSet('enabled_hypervisors', wanted);
  const used = view.instances.list().find(({ hypervisor }) => !wanted.includes(hypervisor));
  if (used)
    throw new MerapiError(
      'wrong_state',
      `Hypervisor ${used.hypervisor} cannot be disabled: instance ${used.name} uses it`,
    );
  return [...wanted];
}

/** The enabled disk templates after a request. @throws MerapiError as newHypervisors() */
export function newTemplates(view: ClusterView, wanted: readonly DiskTemplate[]): DiskTemplate[] {
  checkSet('enabled_disk_templates', wanted);
  for (const instance of view.instances.list()) {
    const templates = [instance.disk_template, ...view.disksOf(instance).map((disk) => disk.dev_type)];
    const lost = templates.find((template) => !wanted.includes(template));
    if (lost)
      throw new MerapiError(
        'wrong_state',
        `Disk template ${lost} cannot be disabled: instance ${instance.name} uses it`,
      );
  }
  return [...wanted];
}

function checkSet(name: string, values: readonly string[]): void {
  if (values.length === 0) throw wrong(`${name} must name at least one`);
  if (new Set(values).size < values.length) throw wrong(`${name} names one twice: ${values.join(', ')}`);
}

/**
 * A list of OS names after additions (`add`) and removals (`remove`). What changes nothing is logged.
 * @throws MerapiError wrong_input for another operation
 */
export function changedNames(
  before: readonly string[],
  changes: readonly (readonly [string, string])[],
  log: (text: string) => void,
): string[] {
  const after = [...before];
  for (const [op, name] of changes) {
    const index = after.indexOf(name);
    if (op === 'add' && index >= 0) log(`OS ${name} is in the list already`);
    else if (op === 'add') after.push(name);
    else if (op === 'remove' && index < 0) log(`OS ${name} is not in the list`);
    else if (op === 'remove') after.splice(index, 1);
    else throw wrong(`A name can be added or removed, not '${op}'`);
  }
  return after;
}

/** The first and the last user id of a range. */
type Range = [number, number];

/**
 * The pool of user ids after a request, sorted: `uid_pool` replaces it, then ranges are added and removed.
 * @throws MerapiError wrong_input for an invalid range, ranges that overlap, or the removal of a range that is not in the pool
 */
export function newUids(
  before: readonly Range[],
  request: { uid_pool: Range[] | null; add_uids: Range[] | null; remove_uids: Range[] | null },
): Range[] {
  const { uid_pool, add_uids, remove_uids } = request;
  for (const [low, high] of [...(uid_pool ?? []), ...(add_uids ?? []), ...(remove_uids ?? [])])
    if (low < 1 || high < low) throw wrong(`${low} to ${high} is not a range of user ids`);
  const after: Range[] = [...(uid_pool ?? before)];
  for (const range of add_uids ?? []) after.push(range);
  for (const [low, high] of remove_uids ?? []) {
    const index = after.findIndex(([a, b]) => a === low && b === high);
    if (index < 0) throw wrong(`The range ${low} to ${high} is not in the pool of user ids`);
    after.splice(index, 1);
  }
  after.sort(([a], [b]) => a - b);
  for (const [index, [low]] of after.entries()) {
    const previous = after[index - 1];
    if (previous && previous[1] >= low) throw wrong(`The ranges of user ids overlap at ${low}`);
  }
  return after;
}

/** @throws MerapiError wrong_input for a data collector that does not exist */
export function checkCollectors(given: Readonly<Record<string, unknown>>): void {
  const unknown = Object.keys(given).filter((name) => !dataCollectors.includes(name as never));
  if (unknown.length > 0)
    throw wrong(`There is no data collector ${unknown.join(', ')}; there are ${dataCollectors.join(', ')}`);
}

/** Checks the path of a folder; an empty text means none. @throws MerapiError wrong_input when it is not an absolute path */
export function checkFolder(name: string, path: string): void {
  if (path !== '' && !isAbsolute(path)) throw wrong(`${name} must be an absolute path, not '${path}'`);
}
