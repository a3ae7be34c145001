// OP_TEST_DELAY: waits on the master, then on all named nodes at once; `repeat` more times. A cancel ends the wait on the master.

import { MerapiError } from '../../base/errors.ts';
import { nodeNamed } from '../../model/find.ts';
import { testDelay as opcode } from '../../opcodes/test/delay.ts';
import { defineUnit } from '../define.ts';

export const testDelay = defineUnit(opcode, {
  check({ view, resolve }, params) {
    if (params.duration < 0)
      throw new MerapiError('wrong_input', `duration must be at least 0 seconds, not ${params.duration}`);
    const uuids = params.on_node_uuids ?? [];
    const names = [...params.on_nodes, ...uuids.map((uuid) => view.nodes.get(uuid)?.name ?? uuid)];
    const nodes = [...new Set(names.map((name) => nodeNamed(view, name)))];
    if (nodes.length > 0) resolve({ on_node_uuids: nodes.map((node) => node.uuid) });
    return { nodes };
  },

  async run(context, { nodes }, params) {
    for (let round = 0; round <= params.repeat; round++) {
      if (params.on_master && params.duration > 0)
        await context.step(`${round}/master`, async ({ cancel }) => {
          await context.clock.sleep(params.duration * 1000, { signal: cancel });
        });
      await Promise.all(
        nodes.map((node) =>
          context.call(`${round}/${node.name}`, node, 'node.delay', { duration: params.duration }),
        ),
      );
    }
    return { result: null };
  },
});
