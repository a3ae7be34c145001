// Changes of disks and NICs of OP_INSTANCE_SET_PARAMS. Requests write them in two forms, ["add", {…}] or [INDEX, {…}] (old) and
// [OPERATION, WHICH, {…}]; here they are brought into one form. They apply one after the other: an index means the devices as the changes
// before it have left them.

import { MerapiError } from '../../base/errors.ts';
import { checkDeviceNames } from '../../model/device-names.ts';
import { givenName } from '../../model/names.ts';
import type { DeviceChange, DeviceOp } from '../../opcodes/instance/set-params.ts';

/** A change of a device in the form of three items. It is no step of a job. */
export interface Step<P> {
  op: DeviceOp;
  /** The index, name or uuid of the device; -1 is the last one, or for a new device the end. */
  which: number | string;
  params: P;
}

/**
 * Brings changes into the form of three items. Those of two items have no index for a device to add or remove, so a request can have
 * only one of these. @throws MerapiError wrong_input
 */
export function stepsOf<P>(changes: readonly DeviceChange<P>[], what: 'disk' | 'NIC'): Step<P>[] {
  const withoutIndex = changes.filter((change) => change.length === 2 && typeof change[0] !== 'number');
  if (withoutIndex.length > 1)
    throw new MerapiError(
      'wrong_input',
      `Changes of two items can add or remove one ${what}, not ${withoutIndex.length}; give three items each, e.g. ["add", -1, {}]`,
    );
  return changes.map((change) => {
    if (change.length === 3) return { op: change[0], which: change[1], params: change[2] };
    const [first, params] = change;
    if (typeof first === 'number') return { op: 'modify', which: first, params };
    return { op: first, which: -1, params };
  });
}

interface Device {
  uuid: string;
  name: string | null;
}

/** The index of a device that is given by index, name or uuid. @throws MerapiError execution */
export function deviceIndex(devices: readonly Device[], which: number | string, what: string): number {
  const key = typeof which === 'string' && /^-?\d+$/.test(which) ? Number(which) : which;
  let index: number;
  if (typeof key === 'string') index = devices.findIndex(({ uuid, name }) => uuid === key || name === key);
  else index = key === -1 ? devices.length - 1 : key;
  if (index >= 0 && index < devices.length) return index;
  const known = devices.length === 0 ? 'it has none' : `it has 0 to ${devices.length - 1}`;
  throw new MerapiError('execution', `The instance has no ${what} ${which}; ${known}`);
}

/**
 * Checks that the names which changes give to devices are valid and unique among the devices of the instance afterwards.
 * @throws MerapiError wrong_input, resource_not_unique
 */
export function checkNames(
  steps: readonly Step<{ readonly name?: string | number | null }>[],
  after: readonly Pick<Device, 'name'>[],
  what: 'disk' | 'NIC',
): void {
  const given = steps
    .filter(({ op }) => op !== 'attach')
    .map(({ params }) => givenName(params.name))
    .filter((name) => name !== null);
  const all = after.map(({ name }) => name);
  checkDeviceNames(given, all, what);
}

/** The index at which a new device is inserted. @throws MerapiError execution */
export function insertIndex(devices: readonly Device[], which: number | string, what: string): number {
  const number = Number(which);
  if (number === -1) return devices.length;
  if (Number.isInteger(number) && number >= 0 && number <= devices.length) return number;
  throw new MerapiError(
    'execution',
    `A ${what} can be inserted at 0 to ${devices.length}, or -1 for the end, not at ${which}`,
  );
}
