import { isAbsolute } from 'node:path';
import { MerapiError } from '../../base/errors.ts';
import { dataCollectors } from '../../model/cluster.ts';
import type { HypervisorName } from '../../model/hvparams/index.ts';
import type { DiskTemplate } from '../../model/templates/index.ts';
import type { ClusterView } from '../../model/view.ts';

const wrong = (text: string) => new MerapiError('wrong_input', text);

/** @throws MerapiError wrong_input for none or one twice, wrong_state when one is left out that instances have */
export function newHypervisors(view: ClusterView, wanted: readonly HypervisorName[]): HypervisorName[] {
  checkSet('enabled_hypervisors', wanted);
  const used = view.instances.list().find(({ hypervisor }) => !wanted.includes(hypervisor));
  if (used)
    throw new MerapiError(
      'wrong_state',
      `Hypervisor ${used.hypervisor} cannot be disabled: instance ${used.name} has it`,
    );
  return [...wanted];
}

/** @throws MerapiError as newHypervisors() */
export function newTemplates(view: ClusterView, wanted: readonly DiskTemplate[]): DiskTemplate[] {
  checkSet('enabled_disk_templates', wanted);
  for (const instance of view.instances.list()) {
    const templates = [instance.disk_template, ...view.disksOf(instance).map((disk) => disk.dev_type)];
    const lost = templates.find((template) => !wanted.includes(template));
    if (lost)
      throw new MerapiError(
        'wrong_state',
        `Disk template ${lost} cannot be disabled: instance ${instance.name} has it`,
      );
  }
  return [...wanted];
}

function checkSet(name: string, values: readonly string[]): void {
  if (values.length === 0) throw wrong(`${name} must name at least one`);
  if (new Set(values).size < values.length) throw wrong(`${name} names one twice: ${values.join(', ')}`);
}

/** A list of names after additions and removals; what is there already, or not there, is told. */
export function changedNames(
  before: readonly string[],
  changes: readonly (readonly [string, string])[],
  tell: (text: string) => void,
): string[] {
  const after = [...before];
  for (const [op, name] of changes) {
    const place = after.indexOf(name);
    if (op === 'add' && place >= 0) tell(`OS ${name} is in the list already`);
    else if (op === 'add') after.push(name);
    else if (op === 'remove' && place < 0) tell(`OS ${name} is not in the list`);
    else if (op === 'remove') after.splice(place, 1);
    else throw wrong(`A name can be added or removed, not '${op}'`);
  }
  return after;
}

type Range = [number, number];

/** The user ids after a request. @throws MerapiError wrong_input for ranges that are none, overlap, or are not there */
export function newUids(
  before: readonly Range[],
  request: { uid_pool: Range[] | null; add_uids: Range[] | null; remove_uids: Range[] | null },
): Range[] {
  const { uid_pool, add_uids, remove_uids } = request;
  for (const [low, high] of [...(uid_pool ?? []), ...(add_uids ?? []), ...(remove_uids ?? [])])
    if (low < 1 || high < low) throw wrong(`${low} to ${high} is no range of user ids`);
  const after: Range[] = [...(uid_pool ?? before)];
  for (const range of add_uids ?? []) after.push(range);
  for (const [low, high] of remove_uids ?? []) {
    const place = after.findIndex(([a, b]) => a === low && b === high);
    if (place < 0) throw wrong(`The range ${low} to ${high} is not in the pool of user ids`);
    after.splice(place, 1);
  }
  after.sort(([a], [b]) => a - b);
  for (const [place, [low]] of after.entries()) {
    const previous = after[place - 1];
    if (previous && previous[1] >= low) throw wrong(`The ranges of user ids overlap at ${low}`);
  }
  return after;
}

/** @throws MerapiError wrong_input for a data collector that does not exist */
export function checkCollectors(given: Readonly<Record<string, unknown>>): void {
  const strange = Object.keys(given).filter((name) => !dataCollectors.includes(name as never));
  if (strange.length > 0)
    throw wrong(`There is no data collector ${strange.join(', ')}; there are ${dataCollectors.join(', ')}`);
}

/** @throws MerapiError wrong_input when the text is not the full path of a folder */
export function checkFolder(name: string, path: string): void {
  if (path !== '' && !isAbsolute(path)) throw wrong(`${name} must be a full path, not '${path}'`);
}
