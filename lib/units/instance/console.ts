// OP_INSTANCE_CONSOLE: how the console of a running instance is reached. The check determines it from facts; no node is asked.

import { MerapiError } from '../../base/errors.ts';
import { checkOnline, instanceNamed, primaryOf } from '../../model/find.ts';
import { instanceConsole as opcode } from '../../opcodes/instance/console.ts';
import { consoleOf } from '../../rpc/console.ts';
import { defineUnit } from '../define.ts';

export const instanceConsole = defineUnit(opcode, {
  check({ view, runtime, resolve }, params) {
    const instance = instanceNamed(view, params.instance_name);
    resolve({ instance_name: instance.name, instance_uuid: instance.uuid });
    const node = primaryOf(view, instance);
    checkOnline(node);
    const console = consoleOf(instance, node.name, runtime.guest(instance.primary_node, instance));
    if (!console)
      throw new MerapiError('wrong_state', `Instance ${instance.name} does not run, so it has no console`);
    return console;
  },
  run: async (_context, console) => ({ result: console }),
});
