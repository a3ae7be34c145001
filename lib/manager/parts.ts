import type { Policy } from '../access/policy.ts';
import type { Principal } from '../access/principal.ts';
import type { Rights } from '../access/rights.ts';
import type { World } from '../base/world.ts';
import type { History } from '../jobs/history.ts';
import type { JobQueue } from '../jobs/queue.ts';
import type { NodeCaller } from '../rpc/caller.ts';
import type { RuntimeView } from '../rpc/runtime.ts';
import type { Store } from '../store/define.ts';

/** What a manager is made of. */
export interface ManagerParts extends World {
  store: Store;
  queue: JobQueue;
  history: History;
  runtime: RuntimeView;
  nodes: NodeCaller;
  /** Who may do what to which object. */
  policy: Policy;
}

/** What the functions of a manager share: its parts, and the rights of whoever asks in the present state of the cluster. */
export interface ManagerContext extends Omit<ManagerParts, 'policy'> {
  rightsOf(principal: Principal): Rights;
}
