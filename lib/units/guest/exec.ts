// OP_GUEST_EXEC: runs a program in a guest. It is started once, also when master or worker crash; a cancel ends the wait only.
import { guestExec as opcode } from '../../opcodes/guest/exec.ts';
import { guestNamed } from '../checks/guest.ts';
import { defineUnit } from '../define.ts';

export const guestExec = defineUnit(opcode, {
  check: (context, { instance_name }) => ({
    ...guestNamed(context, instance_name),
    run: context.random.uuid(),
  }),

  async run(context, { node, guest, run }, params) {
    const { argv, env, input, capture, wait, timeout } = params;
    const { pid } = await context.call('start', node, 'guest.start', {
      guest,
      run,
      argv,
      env,
      input,
      capture,
    });
    const ended = await context.call('wait', node, 'guest.wait', {
      ...{ guest, pid },
      timeout: wait ? timeout * 1000 : 0,
    });
    if (wait && !ended.exited) context.log(`The program ${pid} still runs after ${timeout} s; it goes on`);
    return { result: ended };
  },
});
