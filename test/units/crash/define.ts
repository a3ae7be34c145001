import type { OpInput } from '../../../lib/model/job.ts';
import type { TestCluster } from '../../helpers/cluster.ts';

/** One opcode that is cut off at every record, and whose node calls fail one after the other. */
export interface Scenario {
  name: string;
  setup: OpInput[];
  /** What happens on the nodes after that, by itself. */
  disturb?: (cluster: TestCluster) => Promise<void>;
  op: OpInput;
  /** Brings the cluster back to where it was before the setup; what is already gone does not matter. */
  cleanup: OpInput[];
  /** Part of what it does cannot be taken back: after a failure the same job must then succeed. */
  irreversible?: boolean;
  /** Calls at its end that only tidy up: when one fails the job succeeds all the same, and the next one like it tidies up. */
  tolerates?: readonly string[];
  /** Removes what such a failure leaves behind. */
  tidy?: (cluster: TestCluster) => Promise<void>;
  /** It may end on either node: the nodes' free memory changes by itself. */
  anyNode?: boolean;
}

/** The instance of the scenarios. */
export const instance_name = 'web.example.com';
/** Makes it. */
export const create: OpInput = {
  OP_ID: 'OP_INSTANCE_CREATE',
  instance_name,
  mode: 'create',
  disk_template: 'file',
  disks: [{ size: 2 }, { size: 3, mode: 'ro' }],
  nics: [{}],
  os_type: 'noop',
  pnode: 'node1',
};
/** Makes it as the setup of another opcode: without the scripts of its OS definition, whose processes take most of the time, and stopped. */
export const stopped: OpInput = { ...create, no_install: true, start: false };
/** Starts it. */
export const startup: OpInput = { OP_ID: 'OP_INSTANCE_STARTUP', instance_name };
/** Both. */
export const running: OpInput[] = [stopped, startup];
/** Removes it. */
export const removal: OpInput = { OP_ID: 'OP_INSTANCE_REMOVE', instance_name };
