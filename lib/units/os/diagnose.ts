// OP_OS_DIAGNOSE: the OS definitions of the nodes as rows of the requested fields. The check asks the nodes; run returns its rows.

import { MerapiError } from '../../base/errors.ts';
import type { Json } from '../../base/json.ts';
import { osFieldValues } from '../../model/os.ts';
import { osDiagnose as opcode, osFields } from '../../opcodes/os/diagnose.ts';
import { diagnoseOs } from '../checks/os.ts';
import { defineUnit } from '../define.ts';

export const osDiagnose = defineUnit(opcode, {
  async check({ view, nodes }, params) {
    const unknown = params.output_fields.filter((field) => !Object.hasOwn(osFieldValues, field));
    if (unknown.length > 0)
      throw new MerapiError(
        'wrong_input',
        `Unknown field ${unknown.join(', ')}; known are ${osFields.join(', ')}`,
      );
    const all = await diagnoseOs(view, nodes);
    const wanted =
      params.names.length === 0 ? all : all.filter((status) => params.names.includes(status.name));
    return wanted.map((status) =>
      params.output_fields.map((field) =>
        osFieldValues[field as keyof typeof osFieldValues](status, view.cluster),
      ),
    ) as Json[][];
  },
  run: async (_context, rows) => ({ result: rows }),
});
