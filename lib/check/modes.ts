import { stat } from 'node:fs/promises';
import { isOfState, type Layout } from '../app/layout.ts';
import { close, type Exposed, exposedIn } from '../base/modes.ts';
import type { Findings } from '../store/sqlite/check/problem.ts';

/** What `merapi check` has put right. */
export interface Mended {
  path: string;
  text: string;
}

/**
 * Finds what of a state folder others than its owner may reach, and what does not belong to the folder's owner, and mends it; what
 * this user may not mend is a problem. Each is told, for who could reach a file may know what it held.
 */
export async function mendModes(layout: Layout, findings: Findings): Promise<Mended[]> {
  const owner = (await stat(layout.dir)).uid;
  const mended: Mended[] = [];
  for (const exposed of await exposedIn(layout.dir, { isOurs: (name) => isOfState(layout, name), owner })) {
    const text = whatIsWrong(exposed, owner);
    if (await close(exposed, owner)) mended.push({ path: exposed.path, text: `${text}; ${done(exposed)}` });
    else findings.add('mode', exposed.path, text, byHand(exposed, owner));
  }
  return mended;
}

function whatIsWrong({ mode, wanted, foreign }: Exposed, owner: number): string {
  const wrong = [
    ...((mode & ~wanted) !== 0 ? [`others may reach it (mode ${octal(mode)})`] : []),
    ...(foreign !== null
      ? [`it belongs to the user with id ${foreign}, not to that of the folder (${owner})`]
      : []),
  ];
  return wrong.join(', and ');
}

function done({ mode, wanted, foreign }: Exposed): string {
  const what = [
    ...((mode & ~wanted) !== 0 ? [`its mode is ${octal(wanted)} now`] : []),
    ...(foreign !== null ? ['its owner is right now'] : []),
  ];
  return what.join(', and ');
}

function byHand({ path, wanted, foreign }: Exposed, owner: number): string {
  return `as root: chmod ${octal(wanted)} '${path}'${foreign === null ? '' : `; chown ${owner} '${path}'`}`;
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
