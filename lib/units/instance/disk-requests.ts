// What the job shows of changes of disks; if one of them is invalid, what was understood up to that.

import type { Json } from '../../base/json.ts';
import { parseSize, steppedSize } from '../../model/enforce.ts';
import { givenName } from '../../model/names.ts';
import type { DiskTemplate } from '../../model/templates/index.ts';
import { checkKnown, type DiskRequest } from '../devices/disks.ts';
import type { Step } from './device-changes.ts';

/** A change as the job shows it at first: a size that is a text is converted to a number of MiB, unless it is negative. */
export function shownDiskStep({ op, which, params }: Step<DiskRequest>): Step<DiskRequest> {
  const isNumber = typeof params.size === 'string' && !params.size.includes('-');
  return { op, which, params: isNumber ? { ...params, size: parseSize(params.size) } : params };
}

/**
 * Shows changes of disks as they are carried out: sizes of new disks in MiB, rounded up, no name instead of "none", and for a new disk
 * its template (that of all new disks of the instance) and mode. `show` is always called: if a change is invalid, with what was
 * understood before it.
 * @throws MerapiError type_enforcement
 */
export function showDiskSteps(
  steps: readonly Step<DiskRequest>[],
  template: DiskTemplate | null,
  show: (steps: Json) => void,
): void {
  const shown = steps.map(({ op, which, params }): [string, number | string, DiskRequest] => {
    const given = { ...shownDiskStep({ op, which, params }).params };
    if (givenName(given.name) === null) delete given.name;
    if (op === 'add' && template !== null) given.dev_type = template;
    return [op, which, given];
  });
  try {
    for (const [op, , params] of shown) {
      if (op !== 'add') continue;
      if (params.size !== undefined) params.size = steppedSize(params.size);
      checkKnown(params, template);
      params.mode ??= 'rw';
    }
  } finally {
    show(shown);
  }
}
