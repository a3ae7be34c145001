import { MerapiError } from '../../base/errors.ts';
import type { Json } from '../../base/json.ts';
import type { Cluster } from '../../model/cluster.ts';
import { osDiagnose as opcode, osFields } from '../../opcodes/os/diagnose.ts';
import { defineUnit } from '../define.ts';
import { diagnoseOs, type OsStatus } from '../steps/os.ts';

const values: Record<(typeof osFields)[number], (status: OsStatus, cluster: Cluster) => unknown> = {
  name: (status) => status.name,
  valid: (status) => status.valid,
  node_status: (status) =>
    Object.fromEntries(
      Object.entries(status.nodes).map(([node, definitions]) => [
        node,
        definitions.map((each) => [
          each.path,
          each.valid,
          each.message,
          each.variants,
          each.parameters,
          each.api_versions,
          each.trusted,
        ]),
      ]),
    ),
  variants: (status) => status.variants,
  parameters: (status) => status.parameters,
  api_versions: (status) => status.api_versions,
  blacklisted: (status, cluster) => cluster.blacklisted_os.includes(status.name),
  hidden: (status, cluster) => cluster.hidden_os.includes(status.name),
  os_hvp: (status, cluster) => cluster.os_hvp[status.name] ?? {},
  osparams: (status, cluster) => cluster.osparams[status.name] ?? {},
  trusted: (status) => status.trusted,
};

export const osDiagnose = defineUnit(opcode, {
  async check({ view, nodes }, params) {
    const strange = params.output_fields.filter((field) => !Object.hasOwn(values, field));
    if (strange.length > 0)
      throw new MerapiError(
        'wrong_input',
        `Unknown field ${strange.join(', ')}; known are ${osFields.join(', ')}`,
      );
    const all = await diagnoseOs(view, nodes);
    const wanted =
      params.names.length === 0 ? all : all.filter((status) => params.names.includes(status.name));
    return wanted.map((status) =>
      params.output_fields.map((field) => values[field as (typeof osFields)[number]](status, view.cluster)),
    ) as Json[][];
  },
  run: async (_context, rows) => ({ result: rows }),
});
