import { MerapiError } from '../base/errors.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * Checks names that a request gives to devices of one instance: each must identify exactly one device, and must not look like an index
 * or a uuid, which identify devices too.
 * @param all the names of all devices of the instance after the change
 * @throws MerapiError wrong_input, resource_not_unique
 */
export function checkDeviceNames(
  names: readonly (string | null)[],
  all: readonly (string | null)[],
  what: 'disk' | 'NIC',
): void {
  for (const name of names) {
    if (name === null) continue;
    if (/^-?\d+$/.test(name) || UUID.test(name))
      throw new MerapiError(
        'wrong_input',
        `'${name}' cannot name a ${what}: it looks like a number or a uuid; use a name such as data-1`,
      );
    if (all.filter((other) => other === name).length > 1)
      throw new MerapiError(
        'resource_not_unique',
        `Two ${what}s of the instance would be named '${name}'; give each a name of its own, or none`,
      );
  }
}
