import type { Policy } from '../access/policy.ts';
import type { Principal } from '../access/principal.ts';
import type { Rights } from '../access/rights.ts';
import type { Clock } from '../base/clock.ts';
import type { History } from '../jobs/history.ts';
import type { JobQueue } from '../jobs/queue.ts';
import type { NodeCaller } from '../rpc/caller.ts';
import type { RuntimeView } from '../rpc/runtime.ts';
import type { Store } from '../store/define.ts';

/** What a manager is made of. */
export interface ManagerParts {
  store: Store;
  queue: JobQueue;
  history: History;
  runtime: RuntimeView;
  clock: Clock;
  nodes: NodeCaller;
  /** Who may do what to which object. */
  policy: Policy;
}

/** What the functions of a manager share: its parts, and the rights of whoever asks in the present state of the cluster. */
export interface ManagerContext extends Omit<ManagerParts, 'policy'> {
  rightsOf(principal: Principal): Rights;
}
