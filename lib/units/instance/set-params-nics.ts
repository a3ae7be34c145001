import { MerapiError } from '../../base/errors.ts';
import { fillNicParams } from '../../model/fill.ts';
import type { Instance } from '../../model/instance.ts';
import { givenName } from '../../model/names.ts';
import type { Nic } from '../../model/nic.ts';
import type { Node } from '../../model/node.ts';
import type { ClusterView } from '../../model/view.ts';
import type { DeviceChange } from '../../opcodes/instance/set-params.ts';
import { connectNics, POOL } from '../steps/nic-addresses.ts';
import {
  buildNics,
  checkAddressForms,
  checkDecided,
  checkVlan,
  DEFAULT,
  GENERATE,
  type NicRequest,
} from '../steps/nics.ts';
import { checkNames, newPlace, placeOf, type Step, stepsOf } from './device-changes.ts';

/** The NICs of an instance after changes, what the job tells of these, and the changes with all that was filled in. */
export interface NicChanges {
  nics: Nic[];
  told: [string, unknown][];
  steps: NicStep[];
}

/** Changes as requests write them, in one form; what is null is as good as not given. @throws MerapiError wrong_input */
export function nicStepsOf(changes: readonly DeviceChange<NicRequest>[]): Step<NicRequest>[] {
  return stepsOf(changes, 'NIC').map((step) => ({
    ...step,
    params: Object.fromEntries(Object.entries(step.params).filter(([, value]) => value !== null)),
  }));
}

/** A change of a NIC, with the NIC's own uuid; null where it removes one. */
export interface NicStep extends Step<NicRequest> {
  nic: string | null;
}

/**
 * What a job tells, with the addresses that NICs got from pools when they were entered in the cluster; their MAC addresses tell which
 * ones they are.
 */
export function withAddresses(told: readonly [string, unknown][], nics: readonly Nic[]): [string, unknown][] {
  return told.map(([label, value]) => {
    const [start, rest] = typeof value === 'string' ? value.split(`,ip=${POOL},`) : [];
    const added = nics.find(({ mac }) => start === `add:mac=${mac}`);
    if (added) return [label, `${start},ip=${added.ip},${rest}`];
    const place = value === POOL ? /^nic\.ip\/(\d+)$/.exec(label)?.[1] : undefined;
    return [label, place === undefined ? value : (nics[Number(place)]?.ip ?? value)];
  });
}

/** Changes with the addresses that NICs got from pools when they were entered in the cluster. */
export function addressedSteps(steps: readonly NicStep[], nics: readonly Nic[]): NicStep[] {
  return steps.map((step) => {
    const entered = nics.find(({ uuid }) => uuid === step.nic);
    return step.params.ip === POOL && entered
      ? { ...step, params: { ...step.params, ip: entered.ip } }
      : step;
  });
}

/**
 * Changes as a job shows them when nothing else of it is known yet. When one of them cannot be understood, `show` gets what was understood
 * until then.
 * @throws MerapiError wrong_input
 */
export function showNicSteps(
  steps: readonly Step<NicRequest>[],
  show: (steps: readonly Step<NicRequest>[]) => void,
): void {
  const shown = steps.map(withoutNone);
  try {
    for (const [index, step] of steps.entries()) {
      if (step.op !== 'add' && step.op !== 'modify') continue;
      const isNew = step.op === 'add';
      const what = isNew ? 'The new NIC' : `NIC ${step.which}`;
      checkDecided(step.params, what);
      shown[index] = shownNicStep(step);
      checkAddressForms(step.params, what, isNew);
      if (isNew || step.params.vlan !== DEFAULT) checkVlan(step.params, what);
    }
  } finally {
    show(shown);
  }
}

/** A change as a job shows it: what is "none" is not there, and a new NIC says that its MAC address is to be made. */
export function shownNicStep(step: Step<NicRequest>): Step<NicRequest> {
  const shown = withoutNone(step);
  return shown.op === 'add' ? { ...shown, params: { mac: 'auto', ...shown.params } } : shown;
}

function withoutNone({ op, which, params }: Step<NicRequest>): Step<NicRequest> {
  const hasNone = (key: string) => key === 'name' || key === 'ip' || key === 'network';
  const isNone = (key: string, value: string | null) => hasNone(key) && givenName(value) === null;
  const rest = Object.entries(params).filter(([key, value]) => !isNone(key, value));
  return { op, which, params: Object.fromEntries(rest) };
}

/** A NIC on its way: as it was, what is asked of it, and whether anything is. */
interface Entry {
  uuid: string;
  name: string | null;
  old: Nic | undefined;
  request: NicRequest;
  isChanged: boolean;
}

/** Works out changes of NICs. @throws MerapiError */
export async function changeNics(
  view: ClusterView,
  instance: Instance,
  node: Node,
  steps: readonly Step<NicRequest>[],
  conflictsCheck: boolean,
): Promise<NicChanges> {
  let entries = instance.nics.map(
    (old): Entry => ({ uuid: old.uuid, name: old.name, old, request: {}, isChanged: false }),
  );
  const done: { step: Step<NicRequest>; place: number; entry: Entry }[] = [];
  for (const step of steps) {
    switch (step.op) {
      case 'add': {
        const place = newPlace(entries, step.which, 'NIC');
        const entry = { uuid: '', name: null, old: undefined, request: step.params, isChanged: true };
        entries = [...entries.slice(0, place), entry, ...entries.slice(place)];
        done.push({ step, place, entry });
        break;
      }
      case 'modify':
      case 'remove': {
        const place = placeOf(entries, step.which, 'NIC');
        const entry = entries[place] as Entry;
        if (step.op === 'remove') entries = entries.filter((each) => each !== entry);
        else Object.assign(entry, { request: { ...entry.request, ...step.params }, isChanged: true });
        done.push({ step, place, entry });
        break;
      }
      default:
        throw new MerapiError(
          'wrong_input',
          `The operation ${step.op} is for disks; NICs are added, modified and removed`,
        );
    }
  }
  const nics = await built(view, instance, node, entries, conflictsCheck);
  checkNames(steps, nics, 'NIC');
  const told = done.flatMap(({ step, place, entry }) =>
    tell(view, step, place, nics[entries.indexOf(entry)], entry.old),
  );
  const filled = done.map(({ step, entry }) => {
    const nic = nics[entries.indexOf(entry)];
    const isMade = step.op === 'add' || step.params.mac === GENERATE;
    const params = nic && isMade ? { ...step.params, mac: nic.mac } : step.params;
    return { ...step, params, nic: nic?.uuid ?? null };
  });
  return { nics, told, steps: filled };
}

/** The NICs that entries describe; those that are changed have all their link parameters for themselves from then on. */
async function built(
  view: ClusterView,
  instance: Instance,
  node: Node,
  entries: readonly Entry[],
  conflictsCheck: boolean,
): Promise<Nic[]> {
  const requests = entries.map((entry) => entry.request);
  const wanted = await buildNics(
    view,
    instance.name,
    requests,
    entries.map((entry) => entry.old),
  );
  return entries.flatMap(({ old, isChanged }, index) => {
    const nic = wanted[index];
    if (!nic || (!isChanged && old)) return old ?? [];
    const [connected = nic] = connectNics(view, [nic], node, instance.uuid, conflictsCheck, [old]);
    return { ...connected, nicparams: fillNicParams(view.cluster, connected) };
  });
}

/** What a job tells of one change; the words are those of Ganeti. */
function tell(
  view: ClusterView,
  { op, params }: Step<NicRequest>,
  place: number,
  nic: Nic | undefined,
  old: Nic | undefined,
): [string, unknown][] {
  if (op === 'remove') return [[`NIC/${place}`, 'remove']];
  if (!nic) return [];
  const { mac, ip, name, nicparams } = nic;
  const network = nic.network === null ? null : (view.networks.get(nic.network)?.name ?? nic.network);
  if (op === 'add') {
    const { mode, link } = nicparams;
    const words = `mac=${mac},ip=${ip ?? 'None'},mode=${mode},link=${link},network=${network ?? 'None'}`;
    return [[`nic.${place}`, `add:${words}`]];
  }
  const values: Record<string, unknown> = { mac, ip, name };
  const asked = Object.entries(values).filter(([key]) => key in params);
  if (nic.network !== old?.network) asked.push(['network', network]);
  const links = Object.entries(nicparams).sort(([a], [b]) => (a < b ? -1 : 1));
  return [...asked, ...links].map(([key, value]) => [`nic.${key}/${place}`, value]);
}
