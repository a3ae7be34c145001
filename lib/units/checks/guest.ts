import { MerapiError } from '../../base/errors.ts';
import { checkOnline, instanceNamed, primaryOf } from '../../model/find.ts';
import type { Node } from '../../model/node.ts';
import { isRunning } from '../../rpc/runtime.ts';
import type { GuestRef } from '../../rpc/types.ts';
import type { CheckContext } from '../define.ts';

/**
 * The running guest of an instance, and the node that it runs on. Whether its agent can be asked is known to the node only.
 * @throws MerapiError conflict when it does not run; not_found, wrong_state as checkOnline() does
 */
export function guestNamed(
  { view, runtime, resolve }: Pick<CheckContext, 'view' | 'runtime' | 'resolve'>,
  name: string,
): { node: Node; guest: GuestRef } {
  const instance = instanceNamed(view, name);
  resolve({ instance_name: instance.name, instance_uuid: instance.uuid });
  const node = primaryOf(view, instance);
  checkOnline(node);
  if (!isRunning(runtime, instance))
    throw new MerapiError(
      'conflict',
      `Instance ${instance.name} does not run, so its guest agent cannot be asked`,
    );
  const { uuid, hypervisor } = instance;
  return { node, guest: { uuid, name: instance.name, hypervisor } };
}
