import { readFileSync } from 'node:fs';

/** The names of fields in the recordings that differ from machine to machine or from run to run. */
const volatile =
  /time|uuid|serial|free|total|mnode|cnodes|csockets|cnos|_ts$|port|mac|list|watermark|drbd|logical|family|beparams|hvparams|custom|pool|map|external/;

const recorded = JSON.parse(readFileSync(new URL('../query/fields.json', import.meta.url), 'utf8')) as Record<
  string,
  [name: string, title: string, kind: string][]
>;

/** Fields of a resource whose values two clusters share, one that there is not, and `name`. */
export function fieldsOf(resource: string): string[] {
  const known = (recorded[resource] ?? []).map(([name]) => name);
  return [...known.filter((name) => !volatile.test(name)), 'name', 'nosuch'];
}
