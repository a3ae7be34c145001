import { MerapiError } from '../../base/errors.ts';
import { checkDeviceNames } from '../../model/device-names.ts';
import { givenName } from '../../model/names.ts';
import type { DeviceChange, DeviceOp } from '../../opcodes/instance/set-params.ts';

/** A change of a device in its one form: -1 stands for the last one, or for the place after it where one is added. */
export interface Step<P> {
  op: DeviceOp;
  which: number | string;
  params: P;
}

/**
 * Changes as requests write them, in one form. In the old one, of two items, there is no place for a second device that comes or goes.
 * @throws MerapiError wrong_input
 */
export function stepsOf<P>(changes: readonly DeviceChange<P>[], what: 'disk' | 'NIC'): Step<P>[] {
  const moves = changes.filter((change) => change.length === 2 && typeof change[0] !== 'number');
  if (moves.length > 1)
    throw new MerapiError(
      'wrong_input',
      `Changes of two items can add or remove one ${what}, not ${moves.length}; give three items each, e.g. ["add", -1, {}]`,
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

/** Where a device is, by number, name or uuid. @throws MerapiError execution */
export function deviceIndex(devices: readonly Device[], which: number | string, what: string): number {
  const number = typeof which === 'string' && /^-?\d+$/.test(which) ? Number(which) : which;
  const place =
    typeof number === 'string'
      ? devices.findIndex(({ uuid, name }) => uuid === number || name === number)
      : number === -1
        ? devices.length - 1
        : number;
  if (place >= 0 && place < devices.length) return place;
  const known = devices.length === 0 ? 'it has none' : `it has 0 to ${devices.length - 1}`;
  throw new MerapiError('execution', `The instance has no ${what} ${which}; ${known}`);
}

/**
 * Checks the names that changes give to devices: with each of them exactly one device can be meant.
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

/** The place where a device is to be put in. @throws MerapiError execution */
export function insertIndex(devices: readonly Device[], which: number | string, what: string): number {
  const number = Number(which);
  if (number === -1) return devices.length;
  if (Number.isInteger(number) && number >= 0 && number <= devices.length) return number;
  throw new MerapiError(
    'execution',
    `A ${what} can be put in at 0 to ${devices.length}, or -1 for the end, not at ${which}`,
  );
}
