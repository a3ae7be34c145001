import { unattended } from '../../base/background.ts';
import type { Logger } from '../../base/log.ts';
import type { ClusterView } from '../../model/view.ts';
import type { NodeClient } from '../../rpc/client.ts';
import type { Store } from '../../store/store.ts';

/** Keeps the master connected to the nodes of the cluster, whichever they are. Resolves when each has been tried once. */
export async function keepNodesFollowed(store: Store, client: NodeClient, log: Logger): Promise<void> {
  let followed = store.view.nodes;
  store.onChange((view) => {
    if (view.nodes === followed) return;
    followed = view.nodes;
    unattended('following the nodes', log, () => client.follow(online(view)));
  });
  await client.follow(online(store.view));
}

/** Nothing is asked of a node that is marked offline. */
const online = ({ nodes }: ClusterView) => nodes.list().filter((node) => !node.offline);
