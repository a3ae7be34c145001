// The part of `merapi check` that corrects permissions and owners of the files in the state folder.

import { stat } from 'node:fs/promises';
import { isOfState, type Layout } from '../app/layout.ts';
import { close, type Exposed, exposedIn } from '../base/modes.ts';
import type { Findings } from '../store/sqlite/check/problem.ts';

/** A correction that `merapi check` has made. */
export interface Correction {
  path: string;
  text: string;
}

/**
 * Finds files of a state folder that other users may reach or that belong to another user than the folder, and corrects them. What this
 * user is not permitted to correct becomes a finding. Corrections are reported too: whoever could reach a file may have read it.
 */
export async function correctModes(layout: Layout, findings: Findings): Promise<Correction[]> {
  const owner = (await stat(layout.dir)).uid;
  const corrections: Correction[] = [];
  for (const exposed of await exposedIn(layout.dir, { isOurs: (name) => isOfState(layout, name), owner })) {
    const text = whatIsWrong(exposed, owner);
    if (await close(exposed, owner))
      corrections.push({ path: exposed.path, text: `${text}; ${correctionText(exposed)}` });
    else findings.add('mode', exposed.path, text, commandText(exposed, owner));
  }
  return corrections;
}

/** The fault of a file, for messages. */
function whatIsWrong({ mode, wanted, foreign }: Exposed, owner: number): string {
  const wrong = [
    ...((mode & ~wanted) !== 0 ? [`others may reach it (mode ${octal(mode)})`] : []),
    ...(foreign !== null
      ? [`it belongs to the user with id ${foreign}, not to that of the folder (${owner})`]
      : []),
  ];
  return wrong.join(', and ');
}

/** What was corrected, for messages. */
function correctionText({ mode, wanted, foreign }: Exposed): string {
  const what = [
    ...((mode & ~wanted) !== 0 ? [`its mode is now ${octal(wanted)}`] : []),
    ...(foreign !== null ? ['its owner is now that of the folder'] : []),
  ];
  return what.join(', and ');
}

/** The commands that make the correction, for the administrator. */
function commandText({ path, wanted, foreign }: Exposed, owner: number): string {
  return `as root: chmod ${octal(wanted)} '${path}'${foreign === null ? '' : `; chown ${owner} '${path}'`}`;
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
