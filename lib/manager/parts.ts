import type { Policy } from '../access/policy.ts';
import type { Principal } from '../access/principal.ts';
import type { Rights } from '../access/rights.ts';
import type { World } from '../base/world.ts';
import type { History } from '../jobs/history.ts';
import type { JobQueue } from '../jobs/queue.ts';
import type { NodeCaller } from '../rpc/caller.ts';
import type { RuntimeView } from '../rpc/runtime.ts';
import type { Store } from '../store/define.ts';

/** What a manager needs; handed to createManager() when the process is put together (lib/app). */
export interface ManagerDependencies extends World {
  store: Store;
  queue: JobQueue;
  /** Archives jobs that have ended. */
  history: History;
  /** What nodes reported last of themselves and their guests. */
  runtime: RuntimeView;
  /** Calls to nodes, for what is read from them on request. */
  nodes: NodeCaller;
  /** Who may do what to which object. */
  policy: Policy;
}

/** What the functions of a manager share: its dependencies, and the rights of a principal in the current state of the cluster. */
export interface ManagerContext extends Omit<ManagerDependencies, 'policy'> {
  rightsOf(principal: Principal): Rights;
}
