import type { Json } from '../../base/json.ts';
import { parseSize, steppedSize } from '../../model/enforce.ts';
import { givenName } from '../../model/names.ts';
import type { DiskTemplate } from '../../model/templates/index.ts';
import { checkKnown, type DiskRequest } from '../devices/disks.ts';
import type { Step } from './device-changes.ts';

/** A change as a job shows it when nothing else of it is known yet: its size is a number where it is a text that says one. */
export function shownDiskStep({ op, which, params }: Step<DiskRequest>): Step<DiskRequest> {
  const isNumber = typeof params.size === 'string' && !params.size.includes('-');
  return { op, which, params: isNumber ? { ...params, size: parseSize(params.size) } : params };
}

/**
 * Changes of disks as a job shows them: sizes of new ones are numbers of MiB, rounded up, what has the name "none" has no name, and a new
 * disk says its template, which is that of all new ones, and its mode. When one of them cannot be understood, `show` gets what was
 * understood until then.
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
