// Changes of an instance's NICs: add, modify, remove. changeNics() works them out in the check; the result of the job and what the job
// shows of its opcode are made from NicChange, which is part of the stored facts.

import { MerapiError } from '../../base/errors.ts';
import { fillNicParams } from '../../model/fill.ts';
import type { Instance } from '../../model/instance.ts';
import { givenName } from '../../model/names.ts';
import type { Nic } from '../../model/nic.ts';
import type { Node } from '../../model/node.ts';
import type { DeviceChange } from '../../opcodes/instance/set-params.ts';
import { connectNics, POOL } from '../devices/nic-addresses.ts';
import {
  buildNics,
  checkAddressForms,
  checkDecided,
  checkVlan,
  DEFAULT,
  GENERATE,
  type NicRequest,
  type NicWorld,
} from '../devices/nics.ts';
import { checkNames, deviceIndex, insertIndex, type Step, stepsOf } from './device-changes.ts';

/** The NICs of an instance after the changes, and the changes in their order. */
export interface NicChanges {
  nics: Nic[];
  changes: NicChange[];
}

/** One change of a NIC, with all that the job shows of it. */
export interface NicChange {
  /** The requested change, with the MAC address that was generated for it. */
  step: Step<NicRequest>;
  /** The index of the NIC when the change is applied. */
  place: number;
  /** The NIC after all changes; null when this change or a later one removes it. */
  nic: Nic | null;
  /** The name of the NIC's network after the changes. */
  network: string | null;
  /** Whether that is another network than before. */
  moves: boolean;
}

/** Brings the changes of a request into the form of three items, without null values. @throws MerapiError wrong_input */
export function nicStepsOf(changes: readonly DeviceChange<NicRequest>[]): Step<NicRequest>[] {
  return stepsOf(changes, 'NIC').map((step) => ({
    ...step,
    params: Object.fromEntries(Object.entries(step.params).filter(([, value]) => value !== null)),
  }));
}

/** The changes with the addresses that the NICs got from pools; `committed` are the NICs as they are recorded. */
export function withAddresses(changes: readonly NicChange[], committed: readonly Nic[]): NicChange[] {
  return changes.map((change) => {
    const nic = committed.find(({ uuid }) => uuid === change.nic?.uuid);
    if (!nic) return change;
    const { step } = change;
    const params = step.params.ip === POOL ? { ...step.params, ip: nic.ip } : step.params;
    return { ...change, nic, step: { ...step, params } };
  });
}

/**
 * Checks the forms of changes without the cluster, and shows them. `show` is always called: if a change is invalid, with what was
 * understood before it. @throws MerapiError wrong_input
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

/** A change as the job shows it: without values "none", and a new NIC without a MAC address has "auto". */
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

/** A NIC while changes are applied one after the other. */
interface Entry {
  uuid: string;
  name: string | null;
  /** The NIC as it was; undefined for a new one. */
  old: Nic | undefined;
  /** All that the changes request of it. */
  request: NicRequest;
  isChanged: boolean;
}

/** Works out the changes of NICs that a request describes; `node` is the primary node. @throws MerapiError */
export async function changeNics(
  context: NicWorld,
  instance: Instance,
  node: Node,
  steps: readonly Step<NicRequest>[],
  conflictsCheck: boolean,
): Promise<NicChanges> {
  const { view } = context;
  let entries = instance.nics.map(
    (old): Entry => ({ uuid: old.uuid, name: old.name, old, request: {}, isChanged: false }),
  );
  const done: { step: Step<NicRequest>; place: number; entry: Entry }[] = [];
  for (const step of steps) {
    switch (step.op) {
      case 'add': {
        const place = insertIndex(entries, step.which, 'NIC');
        const entry = { uuid: '', name: null, old: undefined, request: step.params, isChanged: true };
        entries = entries.toSpliced(place, 0, entry);
        done.push({ step, place, entry });
        break;
      }
      case 'modify':
      case 'remove': {
        const place = deviceIndex(entries, step.which, 'NIC');
        const entry = entries[place] as Entry;
        if (step.op === 'remove') entries = entries.filter((each) => each !== entry);
        else Object.assign(entry, { request: { ...entry.request, ...step.params }, isChanged: true });
        done.push({ step, place, entry });
        break;
      }
      default:
        throw new MerapiError(
          'wrong_input',
          `The operation ${step.op} is only for disks; give add, modify or remove for NICs`,
        );
    }
  }
  const nics = await built(context, instance, node, entries, conflictsCheck);
  checkNames(steps, nics, 'NIC');
  const changes = done.map(({ step, place, entry }) => {
    const nic = nics[entries.indexOf(entry)] ?? null;
    const isMade = step.op === 'add' || step.params.mac === GENERATE;
    const params = nic && isMade ? { ...step.params, mac: nic.mac } : step.params;
    const network = nic?.network == null ? null : (view.networks.get(nic.network)?.name ?? nic.network);
    return { step: { ...step, params }, place, nic, network, moves: nic?.network !== entry.old?.network };
  });
  return { nics, changes };
}

/** The NICs after the changes. A changed or new NIC gets all NIC parameters as its own values and inherits none from then on. */
async function built(
  context: NicWorld,
  instance: Instance,
  node: Node,
  entries: readonly Entry[],
  conflictsCheck: boolean,
): Promise<Nic[]> {
  const { view } = context;
  const requests = entries.map((entry) => entry.request);
  const wanted = await buildNics(
    context,
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

/** The entries of the job's result for one change, in Ganeti's form. */
export function listed({ step, place, nic, network, moves }: NicChange): [string, unknown][] {
  if (step.op === 'remove') return [[`NIC/${place}`, 'remove']];
  if (!nic) return [];
  const { mac, ip, name, nicparams } = nic;
  if (step.op === 'add') {
    const { mode, link } = nicparams;
    const words = `mac=${mac},ip=${ip ?? 'None'},mode=${mode},link=${link},network=${network ?? 'None'}`;
    return [[`nic.${place}`, `add:${words}`]];
  }
  const values: Record<string, unknown> = { mac, ip, name };
  const asked = Object.entries(values).filter(([key]) => key in step.params);
  if (moves) asked.push(['network', network]);
  const links = Object.entries(nicparams).sort(([a], [b]) => (a < b ? -1 : 1));
  return [...asked, ...links].map(([key, value]) => [`nic.${key}/${place}`, value]);
}
